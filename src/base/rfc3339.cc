#include "base/rfc3339.h"

#include <chrono>

namespace paastech {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes `count` digits off the front; -1 where they are not there, or are more than `most`.
int take(std::string_view& text, std::size_t count, int most) {
  if (text.size() < count) return -1;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value > most ? -1 : value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// After the seconds; false where there is a point but no digit.
bool take_fraction(std::string_view& text, std::int64_t& nanoseconds) {
  nanoseconds = 0;
  if (!take(text, ".")) return true;
  if (text.empty() || !is_digit(text.front())) return false;
  for (std::int64_t unit = kSecond / 10; !text.empty() && is_digit(text.front()); unit /= 10) {
    nanoseconds += (text.front() - '0') * unit;
    text.remove_prefix(1);
  }
  return true;
}

// What is left: Z or ±HH:MM.
std::optional<int> offset_minutes(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take(text, 2, 23);
  const bool colon = take(text, ":");
  const int minutes = take(text, 2, 59);
  if (hours < 0 || !colon || minutes < 0 || !text.empty()) return std::nullopt;
  return (west ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::optional<std::int64_t> parse_rfc3339_ns(std::string_view text) {
  const int year = take(text, 4, 2261);
  const bool first = take(text, "-");
  const int month = take(text, 2, 12);
  const bool second = take(text, "-");
  const int day = take(text, 2, 31);
  const bool time = take(text, "Tt");
  const int hour = take(text, 2, 23);
  const bool third = take(text, ":");
  const int minute = take(text, 2, 59);
  const bool fourth = take(text, ":");
  const int seconds = take(text, 2, 60);  // a leap second is the one after it
  const bool separated = first && second && time && third && fourth;
  std::int64_t fraction = 0;
  if (!separated || year < 1970 || month < 1 || day < 1 || hour < 0 || minute < 0 || seconds < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || !take_fraction(text, fraction)) return std::nullopt;
  const std::optional<int> offset = offset_minutes(text);
  if (!offset) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t minutes = (days * 24 + hour) * 60 + minute - *offset;
  const std::int64_t out = (minutes * 60 + seconds) * kSecond + fraction;
  if (out < 0) return std::nullopt;
  return out;
}

}  // namespace paastech
