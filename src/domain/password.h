#pragma once
// What a new password must be, pure. After NIST SP 800-63B section 5.1.1.2: long enough, not one that everybody tries
// first, nothing about which characters it mixes. Compared and hashed as the bytes that were sent.
#include <span>
#include <string_view>

#include "base/result.h"

namespace paastech {

// check_password() of names.h, and: not among the 10,000 most common, and with neither the user name nor the address in
// it, nor the address's part before the @ (where these have 3 characters at least). Without regard to case.
Status check_new_password(std::string_view password, std::string_view username, std::string_view email);

// Of the 10,000 most common passwords those of 10 characters or more, for the shorter ones are refused anyway; sorted,
// lower case. Made at build time from Debian's python3-zxcvbn (docs/decisions).
std::span<const std::string_view> common_passwords();

}  // namespace paastech
