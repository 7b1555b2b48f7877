#pragma once
// Small text helpers that several rooms need.
#include <string>
#include <string_view>
#include <vector>

namespace paastech {

// Makes text of a Client safe for a terminal: control characters and C1 codes go, tab and newline stay, and of the
// escape sequences only SGR colour (ESC [ digits ; m) stays. Source: ECMA-48 sections 5.2 and 8.3.117.
std::string sanitize_terminal(std::string_view text);
// As libraries of C want it.
inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);  // ASCII only

// The length of the well-formed UTF-8 sequence at the front, or 0 (Unicode 15, table 3-7). 0 of an empty text.
std::size_t utf8_sequence(std::string_view text);
std::size_t count_characters(std::string_view text);  // code points of valid UTF-8
// The beginning of a text, at most so many bytes, that cuts no character of valid UTF-8 in two.
std::string_view first_bytes(std::string_view text, std::size_t limit);

}  // namespace paastech
