#include "api/text_out.h"

#include <algorithm>

#include "base/text.h"

namespace paastech::api {
namespace {

constexpr std::size_t kLineCharacters = 100;

// A byte that is no UTF-8 counts as a character, for it is shown as one.
std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t size = 0;
  for (; count > 0 && size < text.size(); --count) size += std::max<std::size_t>(utf8_sequence(text.substr(size)), 1);
  return text.substr(0, size);
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    out += size > 0 ? text.substr(0, size) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(size > 0 ? size : 1);
  }
  return out;
}

std::string safe_text(std::string_view text) { return valid_utf8(sanitize_terminal(text)); }

std::string safe_line(std::string_view text) {
  std::string line;
  for (const char c : sanitize_terminal(first_characters(text, kLineCharacters)))
    if (static_cast<unsigned char>(c) >= 0x20) line.push_back(c);
  return valid_utf8(line);
}

}  // namespace paastech::api
