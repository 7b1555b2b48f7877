#include "build/dockerignore.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace paastech::build {

// All patterns as one automaton.
struct Dockerignore::Patterns {
  explicit Patterns(const RE2::Options& options) : set(options, RE2::ANCHOR_BOTH) {}
  RE2::Set set;
  std::vector<bool> takes_back;  // by the set's index
};

Dockerignore::Dockerignore() = default;
Dockerignore::~Dockerignore() = default;
Dockerignore::Dockerignore(Dockerignore&&) noexcept = default;
Dockerignore& Dockerignore::operator=(Dockerignore&&) noexcept = default;

namespace {

// One character but a slash: a path is bytes, in UTF-8 or not, and so is the automaton's text.
constexpr const char* kCharacter = "(?:[^/\\x80-\\xff]|[\\xc0-\\xff][\\x80-\\xbf]*|[\\x80-\\xbf])";

// As Go's filepath.Clean, and without a slash at the front.
std::string clean_pattern(std::string_view pattern) {
  std::vector<std::string> parts;
  for (const std::string& part : split(pattern, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else
      parts.push_back(part);
  }
  return fmt::format("{}", fmt::join(parts, "/"));
}

// [a-z], [^a-z] and escapes inside. `at` stands on the bracket, and after it behind the closing one.
bool add_class(std::string_view pattern, std::size_t& at, std::string& out) {
  std::string inside;
  std::size_t i = at + 1;
  const bool inverted = i < pattern.size() && pattern[i] == '^';
  if (inverted) ++i;
  for (; i < pattern.size() && pattern[i] != ']'; ++i) {
    if (pattern[i] == '\\') ++i;
    if (i == pattern.size()) return false;
    if (pattern[i] == '-' && pattern[i - 1] != '\\')
      inside += '-';
    else
      inside += RE2::QuoteMeta(std::string_view(&pattern[i], 1));
  }
  if (i >= pattern.size() || inside.empty()) return false;
  out += std::string(inverted ? "[^/" : "[") + inside + "]";
  at = i + 1;
  return true;
}

// The pattern, or anything beneath what it names. Empty: it is no pattern.
std::string expression_of(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern.substr(i).starts_with("**")) {
      i += 2;
      if (i < pattern.size() && pattern[i] == '/') ++i;
      // As Docker, which takes a plain end that follows `**` at once as the end of a path.
      const bool ends = i == 2 && pattern.find_first_of("/*?[\\", i) == std::string_view::npos;
      out += i == pattern.size() || ends ? ".*" : "(?:.*/)?";
    } else if (pattern[i] == '[') {
      if (!add_class(pattern, i, out)) return {};
    } else if (pattern[i] == '*' || pattern[i] == '?') {
      out += pattern[i++] == '*' ? "[^/]*" : kCharacter;
    } else {
      if (pattern[i] == '\\') ++i;
      if (i == pattern.size()) return {};
      out += RE2::QuoteMeta(std::string_view(&pattern[i++], 1));
    }
  }
  return out + "(?:/.*)?";
}

std::unexpected<Error> bad_line(std::size_t line, std::string_view what) {
  return fail(Code::kInvalidArgument, fmt::format(".dockerignore line {}: {}", line, what),
              "write patterns as for `docker build`");
}

}  // namespace

Result<Dockerignore> Dockerignore::parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.size() > kMaxIgnoreBytes)
    return fail(Code::kInvalidArgument, ".dockerignore is larger than the limit of 64 KiB", "write fewer patterns");
  RE2::Options options(RE2::Quiet);
  options.set_dot_nl(true);
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(2 << 20);  // so that one path costs little even where states are made anew for each byte
  auto patterns = std::make_unique<Patterns>(options);
  std::size_t line = 0;
  for (const std::string& written : split(text, '\n')) {
    ++line;
    std::string_view pattern = trim(written);
    if (pattern.empty() || written.starts_with('#')) continue;
    const bool takes_back = pattern.starts_with('!');
    if (takes_back) pattern = trim(pattern.substr(1));
    if (pattern.empty()) return bad_line(line, "`!` stands alone");
    const std::string cleaned = clean_pattern(pattern);
    if (cleaned.empty()) continue;  // the context itself, which always is there
    if (patterns->takes_back.size() == kMaxIgnorePatterns)
      return bad_line(line, fmt::format("there are more than {} patterns", kMaxIgnorePatterns));
    const std::string expression = expression_of(cleaned);
    if (expression.empty() || patterns->set.Add(expression, nullptr) < 0)
      return bad_line(line, "'" + sanitize_terminal(pattern) + "' is not a pattern");
    patterns->takes_back.push_back(takes_back);
  }
  Dockerignore out;
  if (patterns->takes_back.empty()) return out;
  if (!patterns->set.Compile())
    return fail(Code::kInvalidArgument, "the patterns of .dockerignore are too much together", "write fewer of them");
  out.patterns_ = std::move(patterns);
  return out;
}

Result<bool> Dockerignore::excludes(std::string_view path) const {
  if (!patterns_) return false;
  std::vector<int> fitting;
  RE2::Set::ErrorInfo error{RE2::Set::kNoError};
  const bool any = patterns_->set.Match(path, &fitting, &error);
  if (error.kind != RE2::Set::kNoError)
    return fail(Code::kResourceExhausted, "the patterns of .dockerignore are too much together",
                "write fewer of them, with fewer `**`");
  if (!any) return false;
  return !patterns_->takes_back[static_cast<std::size_t>(*std::ranges::max_element(fitting))];
}

}  // namespace paastech::build
