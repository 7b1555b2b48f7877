#include "mail/encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ids.h"

namespace paastech::mail {
namespace {

constexpr std::size_t kLine = 76;       // RFC 2045 section 6.7 rule 5
constexpr std::size_t kPlain = 60;      // with the longest header name of ours well under the 78 of RFC 5322
constexpr std::size_t kWordBytes = 39;  // 52 base64 characters; with "Subject: " and the frame a line of 73

std::string hex_byte(char c) { return fmt::format("={:02X}", static_cast<unsigned char>(c)); }

// One line of the body, without its end.
void append_line(std::string& out, std::string_view line) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool blank = c == ' ' || c == '\t';
    const bool printable = c > ' ' && c < 0x7f && c != '=';
    std::string token = printable || (blank && !last) ? std::string(1, c) : hex_byte(c);
    // The last token of a line may fill it; any other leaves room for the = of a soft break.
    if (used + token.size() > (last ? kLine : kLine - 1)) {
      out += "=\r\n";
      used = 0;
    }
    if (used == 0 && (c == '.' || (c == 'F' && line.substr(i).starts_with("From ")))) token = hex_byte(c);
    out += token;
    used += token.size();
  }
  out += "\r\n";
}

bool plain(std::string_view text) {
  const auto printable = [](char c) { return c >= ' ' && c < 0x7f; };
  return text.size() <= kPlain && std::ranges::all_of(text, printable) && !text.starts_with(' ') &&
         !text.ends_with(' ') && text.find("=?") == std::string_view::npos;
}

}  // namespace

std::string quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    append_line(out, line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = std::min(text.size(), kWordBytes);
    while (length < text.size() && length > 1 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64(text.substr(0, length)) + "?=";
    text.remove_prefix(length);
  }
  return out;
}

std::string header_text(std::string_view text) { return plain(text) ? std::string(text) : encoded_words(text); }

std::string date_header(std::int64_t ms) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds time{std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(ms))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

}  // namespace paastech::mail
