#pragma once
// Text inside URLs. Pure.
#include <string>
#include <string_view>

namespace paastech {

// Everything but letters, digits and - . _ ~ as %XX (RFC 3986 section 2.1 and 2.3).
std::string percent_encoded(std::string_view text);

}  // namespace paastech
