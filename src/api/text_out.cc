#include "api/text_out.h"

#include "base/text.h"

namespace paastech::api {
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
  for (const char c : sanitize_terminal(text.substr(0, 100)))
    if (static_cast<unsigned char>(c) >= 0x20) line.push_back(c);
  return valid_utf8(line);
}

}  // namespace paastech::api
