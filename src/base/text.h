#pragma once
// Small text helpers that several rooms need.
#include <string>
#include <string_view>
#include <vector>

namespace paastech {

// Makes text of a Client safe for a terminal: control characters and C1 codes go, tab and newline stay, and of the
// escape sequences only SGR colour (ESC [ digits ; m) stays. Source: ECMA-48 sections 5.2 and 8.3.117.
std::string sanitize_terminal(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);  // ASCII only

}  // namespace paastech
