#include "base/text.h"

#include <algorithm>

namespace paastech {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }  // RFC 3629 section 3

// The length of an SGR sequence at the front of text (which starts with ESC), or 0.
std::size_t colour_length(std::string_view text) {
  if (text.size() < 3 || text[1] != '[') return 0;
  for (std::size_t i = 2; i < text.size() && i < 32; ++i) {
    if (text[i] == 'm') return i + 1;
    if ((text[i] < '0' || text[i] > '9') && text[i] != ';') return 0;
  }
  return 0;
}

// The length of any other escape sequence at the front of text: CSI to its final byte, OSC and its kin to BEL or ST.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] == '[') {
    std::size_t i = 2;
    while (i < text.size() && (text[i] < 0x40 || text[i] > 0x7e) && text[i] >= 0x20) ++i;
    return i < text.size() && text[i] >= 0x40 ? i + 1 : i;
  }
  if (text[1] == ']' || text[1] == 'P' || text[1] == '^' || text[1] == '_' || text[1] == 'X') {
    for (std::size_t i = 2; i < text.size(); ++i) {
      if (text[i] == '\a') return i + 1;
      if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '\\') return i + 2;
      if (text[i] == '\n') return i;
    }
    return text.size();
  }
  return 2;
}

}  // namespace

std::string sanitize_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b) {
      const std::size_t colour = colour_length(text.substr(i));
      if (colour > 0) out.append(text.substr(i, colour));
      i += colour > 0 ? colour : escape_length(text.substr(i));
    } else if (c >= 0x80 && c < 0xa0 && out.ends_with('\xc2')) {
      out.pop_back();  // U+0080 to U+009F, the C1 codes, in UTF-8; also where removing something made one
      ++i;
    } else {
      if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') out.push_back(text[i]);
      ++i;
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [text](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  if (first >= 0xe0 && first <= 0xef) length = 3;
  if (first >= 0xf0 && first <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  if (!std::ranges::all_of(text.substr(1, length - 1), continues)) return 0;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

std::size_t count_characters(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

std::string_view first_bytes(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && continues(text[limit])) --limit;
  return text.substr(0, limit);
}

}  // namespace paastech
