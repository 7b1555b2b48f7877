#include "pomegranate/utf8.h"

#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace paastech::pomegranate {

namespace {

// How much of the front is ASCII, which most output is through and through.
std::size_t ascii_length(std::string_view s) {
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof word <= s.size(); at += sizeof word) {
    std::memcpy(&word, s.data() + at, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (at < s.size() && static_cast<unsigned char>(s[at]) < 0x80) ++at;
  return at;
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  append_valid_utf8(out, bytes);
  return out;
}

void append_valid_utf8(std::string& out, std::string_view bytes) {
  while (true) {
    const std::size_t plain = ascii_length(bytes);
    out += bytes.substr(0, plain);
    bytes.remove_prefix(plain);
    if (bytes.empty()) return;
    const std::size_t length = utf8_sequence(bytes);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace paastech::pomegranate
