#pragma once
// The small authority of a Service, in <home>/authority: ca.key (0600) and ca.crt, which api makes at first start, and
// ROLE.key (0600) and ROLE.crt for each role. A certificate of which less than 30 days are left, or that is damaged or
// not this authority's, is made anew for the same key, so that a running role may read the two files at any time; who
// wants a new key removes the old one. Changes exclude each other between processes.
// Thread: any; the calls block for some milliseconds.
// Failures: kFailedPrecondition: a key is readable by others, weak, damaged or missing (threat 34); the message names
// the file, the hint what to do.
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace paastech::rpc {

inline constexpr std::int64_t kRenewDays = 30;

// Makes what is missing and renews what is due. Called at each start of api and daily.
Status ensure_authority(const std::filesystem::path& folder, std::int64_t now_ms);
// Makes the bundle ca.crt, ROLE.crt, ROLE.key in `out`, to be carried to another host; a key that lies there is kept
// and gets a fresh certificate. Makes the authority where there is none yet. Returns when the certificate expires.
Result<std::int64_t> issue_bundle(const std::filesystem::path& authority, std::string_view role,
                                  const std::filesystem::path& out, std::int64_t now_ms);

}  // namespace paastech::rpc
