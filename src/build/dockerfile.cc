#include "build/dockerfile.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/text.h"
#include "build/dockerfile_text.h"

namespace paastech::build {
namespace {

constexpr std::string_view kNeedsBuildKit = "needs BuildKit, which this Service does not offer yet";
// The builder stores an image a step, each with the history and variables of all before it, and expands variables in
// the Engine's own memory, where thirty lines that double one would fill the machine.
constexpr std::size_t kMaxInstructions = 500;
constexpr std::size_t kMaxExpanded = 32 << 10;  // one instruction's text with its variables put in
constexpr std::size_t kMaxAllExpanded = 256 << 10;
constexpr std::size_t kUnknownVariable = 1 << 10;  // one that the base image brings; PATH is the longest of most

// Deny by default: of the flags of RUN only --network=default and --network=none pass.
Status check_run_flag(int line, std::string_view flag) {
  if (flag == "--network=default" || flag == "--network=none") return {};
  if (flag.starts_with("--network"))
    return refuse_line(line, "RUN --network allows only `default` and `none`: a build never gets the host's network",
                       "remove the flag");
  if (flag.starts_with("--security"))
    return refuse_line(line, "RUN --security is not allowed: a build never gets more rights than the others",
                       "remove the flag");
  if (flag.starts_with("--mount"))
    return refuse_line(line, "RUN --mount " + std::string(kNeedsBuildKit),
                       "use COPY for files; what a plain RUN leaves behind is cached by layers");
  if (flag.find_first_of("'\"\\`") != std::string_view::npos)
    return refuse_line(line, "a flag of RUN has quotes or escapes in it", "write the flag plainly, or remove it");
  return refuse_line(line, "RUN has a flag that this Service does not know",
                     "remove it; a command that begins with -- needs its program's name before it");
}

Status check_run(const Instruction& run) {
  std::string_view rest = run.rest;
  while (rest.starts_with("--")) {
    const std::string_view flag = rest.substr(0, rest.find(' '));
    if (flag == "--") break;
    TRY(check_run_flag(run.line, flag));
    rest = trim(rest.substr(flag.size()));
  }
  return {};
}

// Whether a word outside quotes begins a here-document: <<EOF, <<-"EOF", 3<<EOF. Neither <<< nor the shift of $((1 <<
// 2)).
bool has_heredoc(std::string_view text) {
  char quote = 0;
  bool word_begins = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && word_begins) {
      std::size_t at = text.find_first_not_of("0123456789", i);
      if (at != std::string_view::npos && text.substr(at).starts_with("<<")) {
        at += 2;
        if (text.substr(at).starts_with('-')) ++at;
        const char next = at < text.size() ? text[at] : ' ';
        if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_' || next == '"' || next == '\'')
          return true;
      }
    }
    word_begins = quote == 0 && c == ' ';
    if (c == '\\' && quote != '\'')
      ++i;
    else if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == quote)
      quote = 0;
  }
  return false;
}

// The flags in front of FROM, COPY and ADD are looked at word by word elsewhere; a quoted space would shift the words.
Status check_plain_flags(const Instruction& one) {
  for (const std::string_view word : words_of(one.rest)) {
    if (!unquoted(word).starts_with("--")) break;
    if (word.find_first_of(kQuotes) != std::string_view::npos)
      return refuse_line(one.line, "a flag of " + one.name + " has quotes or escapes in it", "write the flag plainly");
  }
  return {};
}

std::string without_flags(std::string text) {
  while (text.starts_with("--")) text.erase(0, std::min(text.find_first_not_of(' ', text.find(' ')), text.size()));
  return text;
}

// Without a list's signs: the sources, and as the last where they go. A list whose names hold one of these signs gives
// pieces of names.
std::vector<std::string> words_of_add(const Instruction& add) {
  std::string text = without_flags(add.rest);
  if (text.starts_with('['))
    std::ranges::replace_if(text, [](char c) { return c == '[' || c == ',' || c == ']'; }, ' ');
  std::vector<std::string> words;
  for (const std::string_view word : words_of(text)) words.emplace_back(word);
  return words;
}

// The Engine itself would fetch a URL, from the host's network, where everything that is closed to builds is open to it
// (threats 6 and 8).
Status check_add(const Instruction& add) {
  const std::string text = without_flags(add.rest);
  if (text.starts_with('[') && text.find('\\') != std::string::npos)
    return refuse_line(add.line, "ADD has an escape in its list", "write the names plainly, or use COPY");
  const std::vector<std::string> words = words_of_add(add);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = unquoted(words[i]);
    if (word.find("://") != std::string::npos)
      return refuse_line(add.line, "ADD of a URL is not allowed: the Service would fetch it, not the build",
                         "fetch it in the build, for instance: RUN curl -fsSLO URL");
    const bool plain = word.find('$') == std::string::npos || word.starts_with('/') || word.starts_with("./");
    if (!plain && i + 1 < words.size())
      return refuse_line(add.line, "a source of ADD holds a variable, which could make it a URL",
                         "use COPY, or begin it with ./");
  }
  return {};
}

// An upper bound of what the builder makes of all variables.
class Growth {
 public:
  Status add(const Instruction& one) {
    static constexpr std::string_view kNotExpanded[] = {"RUN", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK"};
    if (std::ranges::find(kNotExpanded, one.name) != std::end(kNotExpanded)) return {};
    const std::string& text = one.rest;
    std::size_t size = text.size();
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
      const std::size_t begin = std::min(text.find_first_not_of('{', at + 1), text.size());
      const std::size_t end = std::min(text.find_first_not_of(kNameCharacters, begin), text.size());
      if (begin > at + 1 && end < text.size() && text[end] == '/')
        return refuse_line(one.line, "${NAME/…} is not allowed", "do the replacement in a RUN");
      const auto known = sizes_.find(text.substr(begin, end - begin));
      size += known == sizes_.end() ? unknown_ : known->second;
    }
    total_ += size;
    if (size > kMaxExpanded || total_ > kMaxAllExpanded)
      return refuse_line(one.line, "the Dockerfile becomes too large once its variables are put in",
                         "put long text into a file of the repository and COPY it");
    if (one.name == "ENV" || one.name == "ARG") set(one, size);
    return {};
  }

 private:
  static constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  // NAME=value …, or the old ENV NAME value. Each name gets the size of the whole; one that is itself made of variables
  // may be any.
  void set(const Instruction& one, std::size_t size) {
    const std::vector<std::string_view> words = words_of(one.rest);
    const bool old_form = !words.empty() && words[0].find('=') == std::string_view::npos;
    for (const std::string_view word : words) {
      const std::string name = unquoted(word.substr(0, word.find('=')));
      if (word.find('=') == std::string_view::npos && !(old_form && word.data() == words[0].data())) continue;
      std::size_t& known = name.find('$') == std::string::npos ? sizes_[name] : unknown_;
      known = std::max(known, size);
    }
  }
  std::map<std::string, std::size_t> sizes_ = {};
  std::size_t unknown_ = kUnknownVariable;
  std::size_t total_ = 0;
};

}  // namespace

Status check_dockerfile_text(std::string_view text) {
  TRY_ASSIGN(const std::vector<Instruction> all, read_instructions(text));
  if (all.empty())
    return fail(Code::kInvalidArgument, "the Dockerfile is empty", "begin it with FROM and the image to build upon");
  if (all.size() > kMaxInstructions)
    return refuse_line(all[kMaxInstructions].line,
                       "there are more than " + std::to_string(kMaxInstructions) + " instructions",
                       "join commands into one RUN with &&");
  bool has_from = false;
  Growth growth;
  for (const Instruction& one : all) {
    if (one.name == "FROM") has_from = true;
    if (!has_from && one.name != "ARG")
      return refuse_line(one.line, "an instruction stands before the first FROM, where only ARG may",
                         "begin with FROM and the image to build upon");
    if (one.name == "RUN") TRY(check_run(one));
    if (one.name == "FROM" || one.name == "COPY" || one.name == "ADD") TRY(check_plain_flags(one));
    if (one.name == "ADD") TRY(check_add(one));
    TRY(growth.add(one));
    if ((one.name == "RUN" || one.name == "COPY" || one.name == "ADD") && has_heredoc(one.rest))
      return refuse_line(one.line, "a here-document (<<) " + std::string(kNeedsBuildKit),
                         "put the text into a file of the repository and COPY it");
  }
  if (!has_from)
    return fail(Code::kInvalidArgument, "the Dockerfile has no FROM instruction",
                "name the image to build upon, for instance: FROM debian:bookworm");
  return {};
}

Result<std::vector<AddSource>> add_sources(std::string_view text) {
  TRY_ASSIGN(const std::vector<Instruction> all, read_instructions(text));
  std::vector<AddSource> out;
  for (const Instruction& one : all) {
    if (one.name != "ADD") continue;
    const bool list = without_flags(one.rest).starts_with('[');
    std::vector<std::string> words = words_of_add(one);
    if (!words.empty()) words.pop_back();
    for (std::string& word : words) {
      const bool whole = word.size() > 1 && word.front() == '"' && word.find('"', 1) == word.size() - 1;
      if (whole && list) word = word.substr(1, word.size() - 2);
      out.push_back({one.line, std::move(word)});
    }
  }
  return out;
}

}  // namespace paastech::build
