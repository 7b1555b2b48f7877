#include "cli/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <numeric>

#include "base/text.h"

namespace paastech::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;  // a column is not shortened below this

std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& lines, int columns) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()), 0);
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], count_characters(line[i]));
  }
  if (columns <= 0 || widths.empty()) return widths;
  const auto limit = static_cast<std::size_t>(columns);
  const std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  const auto widest = std::max_element(widths.begin(), widths.end());
  if (total > limit) *widest = std::max(kNarrowest, *widest - std::min(*widest, total - limit));
  return widths;
}

}  // namespace

std::string render_table(const Table& table, int columns) {
  std::vector<std::vector<std::string>> lines{table.header};
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    for (const std::string& cell : row) line.push_back(plain(cell));
  }
  const std::vector<std::size_t> widths = column_widths(lines, columns);
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string cell = shorten(line[i], widths[i]);
      text += cell;
      text.append(widths[i] - count_characters(cell) + kGap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

std::string plain(std::string_view text) {
  std::string out = strip_colour(sanitize_terminal(text));
  for (char& c : out)
    if (c == '\n' || c == '\t') c = ' ';
  return out;
}

std::string strip_colour(std::string_view safe_text) {
  std::string out;
  for (std::size_t i = 0; i < safe_text.size(); ++i) {
    if (safe_text[i] != '\x1b') {
      out.push_back(safe_text[i]);
      continue;
    }
    const std::size_t end = safe_text.find('m', i);
    if (end == std::string_view::npos) break;
    i = end;
  }
  return out;
}

std::string shorten(std::string_view text, std::size_t characters) {
  if (count_characters(text) <= characters) return std::string(text);
  if (characters == 0) return {};
  std::size_t seen = 0;
  std::size_t end = 0;
  for (; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && ++seen == characters) break;
  return std::string(text.substr(0, end)) + "…";
}

std::string counted(std::int64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

std::string human_time(std::int64_t ms) {
  constexpr std::int64_t kSecond = 1000;
  constexpr std::int64_t kMinute = 60 * kSecond;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  ms = std::max<std::int64_t>(ms, 0);
  if (ms < kSecond) return fmt::format("{} ms", ms);
  if (ms < 10 * kSecond) return fmt::format("{}.{} s", ms / kSecond, ms % kSecond / 100);
  if (ms < 2 * kMinute) return fmt::format("{} s", ms / kSecond);
  if (ms < 2 * kHour) return fmt::format("{} min", ms / kMinute);
  if (ms < 2 * kDay) return fmt::format("{} h", ms / kHour);
  return fmt::format("{} d", ms / kDay);
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  std::tm t{};
  int used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
                  &t.tm_sec, &used) != 6)
    return std::nullopt;
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  std::int64_t ms = 0;
  std::string_view rest = text.substr(static_cast<std::size_t>(used));
  if (rest.starts_with('.')) {
    std::int64_t scale = 100;
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      ms += (rest.front() - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  if (rest != "Z") return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&t)) * 1000 + ms;
}

}  // namespace paastech::cli
