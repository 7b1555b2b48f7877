#pragma once
// Text on its way out to Clients: valid UTF-8, without what could steer a terminal. Pure.
#include <string>
#include <string_view>

namespace paastech::api {

// Bytes that are no UTF-8 become U+FFFD (Unicode 15, section 3.9; RFC 3629).
std::string valid_utf8(std::string_view text);
// A line of an Application or a build: as sanitize_terminal, colours stay; valid UTF-8.
std::string safe_text(std::string_view text);
// A short foreign text inside a sentence of ours: one line, no controls, of its first 100 characters.
std::string safe_line(std::string_view text);

}  // namespace paastech::api
