#pragma once
// Letting a device in that has no browser, from one that has (RFC 8628): the codes, and the decision. Thread: the
// control-plane loop.
#include <optional>
#include <string>

#include "api/route.h"
#include "store/clients.h"
#include "store/device_logins.h"
#include "store/tokens.h"

namespace paastech::api {

constexpr std::int64_t kDeviceMs = 600'000;  // RFC 8628 section 5.2: short, for a phished Client's sake
constexpr std::int64_t kPollMs = 5'000;      // RFC 8628 section 3.5: what a device may count on

std::string new_user_code();                             // "BCDFGHJK": 20^8 = 2.6e10 of them
std::string shown_user_code(std::string_view code);      // "BCDF-GHJK"
std::string normal_user_code(std::string_view written);  // empty where it can be none
// The waiting device that the Client means. Wrong codes are counted: kResourceExhausted after ten within a minute;
// kNotFound where none waits.
net::Task<Result<store::DeviceLoginRow>> find_waiting_device(CallPtr call, std::string written_code);
// kNotFound where it no longer waits.
net::Task<Status> decide_device(CallPtr call, store::DeviceLoginRow device, bool approved);
// Gives the device its token, once, and names whose it is; looks anew at what the approval rests on. None: it was used
// already, has expired, or is withdrawn, as by a new password. kPermissionDenied: suspended meanwhile.
Result<std::optional<store::ClientRow>> use_up_device_login(store::Tx& tx, const std::string& hash,
                                                            const store::TokenRow& token);

}  // namespace paastech::api
