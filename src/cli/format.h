#pragma once
// How values look to a person. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paastech::cli {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// Columns two spaces apart, no trailing blanks. columns > 0: the widest column is shortened until a row fits.
// Cells are made one line of plain text first.
std::string render_table(const Table& table, int columns = 0);
std::string plain(std::string_view text);              // one line, no escape sequence at all
std::string strip_colour(std::string_view safe_text);  // takes what sanitize_terminal leaves
std::string shorten(std::string_view text, std::size_t characters);
std::string counted(std::int64_t number, std::string_view thing);      // "1 login", "2 logins"
std::string human_time(std::int64_t ms);                               // "450 ms", "3.2 s", "5 min", "3 h", "12 d"
std::optional<std::int64_t> parse_time(std::string_view rfc3339_utc);  // milliseconds since 1970

}  // namespace paastech::cli
