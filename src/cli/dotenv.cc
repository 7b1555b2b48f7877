#include "cli/dotenv.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace paastech::cli {
namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !text.empty() && letter(text.front()) && std::all_of(text.begin(), text.end(), inner);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::map<std::string, std::string>> run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;  // a byte order mark
    if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
      at_ = nul;
      return bad("a NUL byte cannot stand in a variable", "is this a text file?");
    }
    std::map<std::string, std::string> values;
    while (at_ < text_.size()) TRY(take_line(values));
    return values;
  }

 private:
  Status take_line(std::map<std::string, std::string>& values) {
    skip_blanks();
    if (at_end_of_line() || peek() == '#') {
      skip_line();
      return {};
    }
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::size_t equals = text_.substr(0, end).find('=', at_);
    if (equals == std::string_view::npos) return bad("there is no `=`", "write NAME=value");
    std::string_view name = trim(text_.substr(at_, equals - at_));
    if (name.starts_with("export ") || name.starts_with("export\t")) name = trim(name.substr(7));
    if (!is_name(name))
      return bad(fmt::format("`{}` cannot be a variable's name", name),
                 "a name has letters, digits and `_`, and does not start with a digit");
    at_ = equals + 1;
    skip_blanks();
    std::string value;
    if (peek() == '\'' || peek() == '"') {
      TRY(take_quoted(value));
    } else {
      take_bare(value);
    }
    values.insert_or_assign(std::string(name), std::move(value));
    return {};
  }

  void take_bare(std::string& value) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view rest = text_.substr(at_, end - at_);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] != '#' || (i > 0 && rest[i - 1] != ' ' && rest[i - 1] != '\t')) continue;
      rest = rest.substr(0, i);
      break;
    }
    value = trim(rest);
    at_ = end;
    skip_line();
  }

  Status take_quoted(std::string& value) {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size())
        take_escape(value);
      else
        value.push_back(text_[at_++]);
    }
    if (at_ >= text_.size()) {
      at_ = start;
      return bad(fmt::format("the quote {} is never closed", quote), "close it, or put the value in the other quotes");
    }
    ++at_;
    skip_blanks();
    if (!at_end_of_line() && peek() != '#')
      return bad("text stands behind the closing quote", "put all of the value inside the quotes");
    skip_line();
    return {};
  }

  void take_escape(std::string& value) {
    const char c = text_[at_ + 1];
    at_ += 2;
    switch (c) {
      case 'n': value.push_back('\n'); break;
      case 't': value.push_back('\t'); break;
      case 'r': value.push_back('\r'); break;
      case '\\':
      case '"':
      case '$':
      case '`': value.push_back(c); break;
      case '\n': break;  // a line continued, as in a shell
      default: value.push_back('\\'); value.push_back(c);
    }
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_end_of_line() const { return at_ >= text_.size() || text_[at_] == '\n'; }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r') ++at_;
  }
  void skip_line() {
    while (!at_end_of_line()) ++at_;
    if (at_ < text_.size()) ++at_;
  }
  std::unexpected<Error> bad(std::string why, std::string hint) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return fail(Code::kInvalidArgument, fmt::format("line {}: {}", line, why), std::move(hint));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text) { return Parser(text).run(); }

}  // namespace paastech::cli
