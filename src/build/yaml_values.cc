#include "build/yaml_values.h"

#include <charconv>

#include "base/text.h"
#include "domain/scale.h"

namespace paastech::build {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kWordLimit = 64;    // words of a command
constexpr std::size_t kTextLimit = 4096;  // bytes of a path, a word

}  // namespace

std::unexpected<Error> refuse(int line, const std::string& key, std::string_view what, std::string_view hint) {
  const std::string subject = key.empty() ? "" : "`" + key + "` ";
  return fail(Code::kInvalidArgument,
              std::string(kManifestFile) + " line " + std::to_string(line) + ": " + subject + std::string(what),
              std::string(hint));
}

std::unexpected<Error> unknown_key(const YamlNode& node, const std::string& parent, const std::string& key,
                                   std::string_view allowed) {
  const std::string full = parent.empty() ? shown_key(key) : parent + "." + shown_key(key);
  return refuse(node.line, full, "is not a known key", allowed);
}

Status check_mapping(const YamlNode& node, const std::string& key, std::string_view allowed) {
  if (node.kind == Kind::kMap || node.kind == Kind::kNull) return {};
  return refuse(node.line, key, key.empty() ? "the file must be a mapping of keys" : "must be a mapping of keys",
                allowed);
}

// Which plain scalars mean something other than text: YAML 1.2, section 10.3.2 (core schema), and the yes/no of
// YAML 1.1, which people take for booleans.
bool is_text(const YamlNode& node) {
  if (node.kind == Kind::kQuoted) return true;
  if (node.kind != Kind::kPlain) return false;
  const std::string word = lower(node.text);
  for (const char* other :
       {"", "~", "null", "true", "false", "yes", "no", "on", "off", ".inf", "-.inf", "+.inf", ".nan"})
    if (word == other) return false;
  const bool numeric = word.find_first_not_of("0123456789+-._eoxabcdf") == std::string::npos &&
                       (word[0] == '+' || word[0] == '-' || word[0] == '.' || (word[0] >= '0' && word[0] <= '9'));
  double number = 0;
  const char* begin = word.data() + (word[0] == '+' ? 1 : 0);
  const char* end = word.data() + word.size();
  const bool whole = std::from_chars(begin, end, number).ptr == end;
  const bool other_base = word.starts_with("0x") || word.starts_with("0o");
  return !(numeric && (whole || other_base));
}

Result<std::string> text_value(const YamlNode& node, const std::string& key) {
  if (!is_text(node))
    return refuse(node.line, key, "must be text", "where a number or a word like `true` is meant as text, quote it");
  if (node.text.size() > kTextLimit) return refuse(node.line, key, "is too long", "at most 4096 bytes");
  if (node.text.find('\0') != std::string::npos) return refuse(node.line, key, "has a NUL byte", "remove it");
  return node.text;
}

Result<int> number_value(const YamlNode& node, const std::string& key, int low, int high, std::string_view what) {
  int value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, value);
  const bool whole = node.kind == Kind::kPlain && !node.text.empty() && stop == end && error == std::errc();
  const std::string range = std::string(what) + " from " + std::to_string(low) + " to " + std::to_string(high);
  if (!whole || value < low || value > high)
    return refuse(node.line, key, "must be " + range, "write it as a plain number, without quotes or a unit");
  return value;
}

Result<int> seconds_value(const YamlNode& node, const std::string& key, int low, int high) {
  return number_value(node, key, low, high, "whole seconds");
}

Result<std::vector<std::string>> command_value(const YamlNode& node, const std::string& key) {
  constexpr std::string_view kAllowed =
      "for instance: command: node server.js, which a shell runs, or: command: [\"node\", \"server.js\"]";
  if (node.kind != Kind::kList) {
    if (!is_text(node)) return refuse(node.line, key, "must be text or a list of words", kAllowed);
    TRY_ASSIGN(const std::string line, text_value(node, key));
    const std::string_view content = trim(line);
    if (content.empty()) return refuse(node.line, key, "is empty", kAllowed);
    return shell_words(std::string(content));
  }
  if (node.items.empty() || node.items.size() > kWordLimit)
    return refuse(node.line, key, "must have 1 to 64 words", kAllowed);
  std::vector<std::string> words;
  for (const YamlNode& item : node.items) {
    TRY_ASSIGN(std::string word, text_value(item, key + "[" + std::to_string(words.size()) + "]"));
    words.push_back(std::move(word));
  }
  if (words.front().empty()) return refuse(node.line, key, "begins with an empty word", kAllowed);
  return words;
}

}  // namespace paastech::build
