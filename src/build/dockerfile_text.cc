#include "build/dockerfile_text.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "domain/names.h"

namespace paastech::build {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// What Unicode calls White_Space beyond ASCII; Docker's parser (Go's unicode.IsSpace) trims all of them.
bool is_wide_space(std::string_view sequence) {
  static constexpr std::string_view kSpaces[] = {"\u0085", "\u00a0", "\u1680", "\u2028",
                                                 "\u2029", "\u202f", "\u205f", "\u3000"};
  return std::ranges::find(kSpaces, sequence) != std::end(kSpaces) ||
         (sequence >= "\u2000" && sequence <= "\u200a" && sequence.size() == 3);
}

// Every kind of space to ' '. Docker reads flags byte by byte, so that a stray 0x85 or 0xA0 is a space there as well.
std::string plain_spaces(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    while (c >= 0x80 && length <= 4 && !is_utf8(text.substr(i, length))) ++length;
    if (length > 4) {  // not UTF-8
      out.push_back(c == 0x85 || c == 0xa0 ? ' ' : text[i]);
      ++i;
      continue;
    }
    const std::string_view sequence = text.substr(i, length);
    if ((c >= '\t' && c <= '\r') || is_wide_space(sequence))
      out.push_back(' ');
    else
      out.append(sequence);
    i += sequence.size();
  }
  return std::string(trim(out));
}

std::vector<std::string> physical_lines(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::string> lines = split(text, '\n');
  for (std::string& line : lines)
    if (line.ends_with('\r')) line.pop_back();
  return lines;
}

struct Directive {
  std::string key;  // lower case
  std::string value;
};

// "# key = value", as in Docker's reference, "Parser directives"; newer builders also take "// key = value".
std::optional<Directive> directive(const std::string& line) {
  std::string text = plain_spaces(line);
  if (!text.starts_with('#') && !text.starts_with("//")) return std::nullopt;
  text.erase(0, text.starts_with('#') ? 1 : 2);
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return std::nullopt;
  const std::string key = lower(trim(std::string_view(text).substr(0, equals)));
  const std::string value(trim(std::string_view(text).substr(equals + 1)));
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (key.empty() || value.empty() || !std::ranges::all_of(key, plain)) return std::nullopt;
  return Directive{key, value};
}

// Reads the block of directives at the top and gives the escape character. Builders differ in whether a directive they
// do not know, a #! line or an indented line ends the block; an escape directive behind one is refused, since the two
// readings would see different instructions.
Result<char> read_directives(const std::vector<std::string>& lines) {
  char escape = '\\';
  bool doubtful = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    if (i == 0 && lines[i].starts_with("#!")) {
      doubtful = true;
      continue;
    }
    const std::optional<Directive> found = directive(lines[i]);
    if (!found) break;
    if (found->key == "syntax")
      return refuse_line(number, "`# syntax=` picks another program as builder, which this Service does not allow",
                         "remove that line; the instructions of Docker's classic builder are available");
    if (found->key != "escape") {
      doubtful = true;
      continue;
    }
    if (doubtful || !lines[i].starts_with('#'))
      return refuse_line(number, "`# escape=` stands where some builders read it and others do not",
                         "make it the first line of the file");
    if (found->value != "\\" && found->value != "`")
      return refuse_line(number, "`# escape=` takes a backslash or a backtick only", "correct or remove that line");
    escape = found->value[0];
  }
  return escape;
}

// Where the escape character that continues the line stands, or npos. A doubled one does not continue it.
std::size_t continuation(const std::string& line, char escape) {
  const std::size_t last = line.find_last_not_of(" \t");
  if (last == std::string::npos || line[last] != escape) return std::string::npos;
  return last > 0 && line[last - 1] == escape ? std::string::npos : last;
}

Instruction instruction(int line, const std::string& joined) {
  std::string_view text = joined;
  Instruction out{line, {}, {}, false};
  do {
    out.on_build = out.name == "ONBUILD";
    const std::size_t space = text.find(' ');
    out.name = upper(text.substr(0, space));
    text = space == std::string_view::npos ? std::string_view{} : trim(text.substr(space));
  } while (out.name == "ONBUILD" && !text.empty());
  out.rest = text;
  return out;
}

// Joins continued lines as Docker does: nothing in between, comments and empty lines left out.
std::vector<Instruction> instructions(const std::vector<std::string>& lines, char escape) {
  std::vector<Instruction> out;
  std::string joined;
  int begin = 0;
  const auto finish = [&] {
    const std::string text = plain_spaces(joined);
    if (!text.empty()) out.push_back(instruction(begin, text));
    joined.clear();
    begin = 0;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string text = plain_spaces(lines[i]);
    if (text.empty() || text.starts_with('#')) continue;
    if (begin == 0) begin = static_cast<int>(i) + 1;
    const std::size_t end = continuation(lines[i], escape);
    joined.append(lines[i], 0, end);
    if (end == std::string::npos) finish();
  }
  finish();
  return out;
}

}  // namespace

std::unexpected<Error> refuse_line(int line, std::string_view what, std::string hint) {
  return fail(Code::kInvalidArgument, "Dockerfile line " + std::to_string(line) + ": " + std::string(what),
              std::move(hint));
}

Result<std::vector<Instruction>> read_instructions(std::string_view text) {
  const std::vector<std::string> lines = physical_lines(text);
  TRY_ASSIGN(const char escape, read_directives(lines));
  return instructions(lines, escape);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const std::size_t end = std::min(text.find(' '), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::string unquoted(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (kQuotes.find(c) == std::string_view::npos) out.push_back(c);
  return out;
}

}  // namespace paastech::build
