#pragma once
// The second factor: time-based one-time passwords (RFC 6238: SHA-1, 6 digits, steps of 30 seconds, which is what every
// authenticator app takes) and recovery codes. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

constexpr std::size_t kTotpSeedBytes = 20;      // RFC 4226 section 4, R6: 160 bits are recommended
constexpr std::size_t kRecoveryCodes = 10;      // as many as one prints on a slip
constexpr std::size_t kRecoveryCodeBytes = 10;  // 80 bits: no guessing, also of a stolen database

std::string base32(std::string_view bytes);  // RFC 4648 without padding
std::int64_t totp_step_at(std::int64_t now_ms);
std::string totp_code(std::string_view seed, std::int64_t step);  // 6 digits
bool is_totp_code(std::string_view text);                         // 6 digits; blanks between them do not count

// The step that the code is of: the present one, or the one before or after for clocks that differ (RFC 6238 section
// 5.2); later than `used`, so that no code works twice. nullopt: the code is wrong.
std::optional<std::int64_t> totp_step_of(std::string_view seed, std::string_view code, std::int64_t now_ms,
                                         std::int64_t used);

// For an authenticator app, which shows it as ISSUER (ACCOUNT):
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
std::string totp_uri(std::string_view seed, std::string_view issuer, std::string_view account);

std::string recovery_code_of(std::string_view bytes);        // "ABCD-EFGH-IJKL-MNOP"
std::string normal_recovery_code(std::string_view written);  // as it is hashed: capitals, without blanks and hyphens

}  // namespace paastech
