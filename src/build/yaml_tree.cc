#include "build/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>

#include "base/text.h"
#include "domain/names.h"

namespace paastech::build {
namespace {

constexpr std::size_t kDepthLimit = 32;   // ours needs four
constexpr std::size_t kNodeLimit = 4096;  // ours needs about a hundred; keeps the search for doubled keys cheap

// Leaves yaml-cpp's parser, which knows no other way out.
struct Refusal {
  int line;
  std::string what;
  std::string hint;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "a second document begins", "keep one document, without further `---` lines");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_anchor(mark, anchor);
    add({YamlNode::Kind::kNull, mark.line + 1, {}, {}, {}}, mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "an alias (*name) is not allowed", "write the value out");
  }
  // yaml-cpp gives plain scalars the tag "?" and quoted or block ones "!".
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_anchor(mark, anchor);
    if (tag != "?" && tag != "!" && !tag.empty()) check_tag(mark);
    add({tag == "!" ? YamlNode::Kind::kQuoted : YamlNode::Kind::kPlain, mark.line + 1, value, {}, {}}, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode take_root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    std::optional<std::string> key;  // of a map: read, its value to come
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string what, std::string hint) {
    throw Refusal{mark.line + 1, std::move(what), std::move(hint)};
  }
  static void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(mark, "an anchor (&name) is not allowed", "write the value out where it is needed");
  }
  [[noreturn]] static void check_tag(const YAML::Mark& mark) {
    refuse(mark, "a tag (!name) is not allowed", "remove it; quote the value where text is meant");
  }
  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_anchor(mark, anchor);
    if (tag != "?" && !tag.empty()) check_tag(mark);
    if (open_.size() >= kDepthLimit || ++nodes_ > kNodeLimit)
      refuse(mark, "there are too many entries or levels", "see the keys that are allowed");
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().key)
      refuse(mark, "a key is a list or a map", "a key is plain text");
    open_.push_back({{kind, mark.line + 1, {}, {}, {}}, {}});
  }
  void close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }
  void add(YamlNode node, const YAML::Mark& mark) {
    if (++nodes_ > kNodeLimit) refuse(mark, "there are too many entries", "see the keys that are allowed");
    const bool is_key = !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().key;
    if (!is_key) return put(std::move(node));
    if (node.kind == YamlNode::Kind::kNull) refuse(mark, "a key is missing", "write `key: value`");
    const auto& members = open_.back().node.members;
    const auto before = std::ranges::find(members, node.text, &YamlMember::key);
    if (before != members.end())
      refuse(mark, "`" + shown_key(node.text) + "` is there twice, first on line " + std::to_string(before->value.line),
             "keep one of the two");
    open_.back().key = std::move(node.text);
  }
  void put(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (Open& parent = open_.back(); parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else {
      parent.node.members.push_back({std::move(*parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  YamlNode root_;
  std::vector<Open> open_;
  int documents_ = 0;
  std::size_t nodes_ = 0;
};

// The characters YAML 1.2 allows (section 5.1); yaml-cpp itself would take a U+0004 for the end of the file.
std::optional<Refusal> check_characters(std::string_view text) {
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const unsigned char byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f)
      return Refusal{line, "a control character is not allowed", "save the file as plain UTF-8 text"};
  }
  if (!is_utf8(text)) return Refusal{1, "the file is not UTF-8 text", "save it as plain UTF-8 text"};
  return std::nullopt;
}

// yaml-cpp skips directives that it does not know, and with them a whole file of nothing else.
std::optional<Refusal> check_directives(std::string_view text) {
  int line = 0;
  for (const std::string& one : split(text, '\n')) {
    ++line;
    if (one.starts_with('%')) return Refusal{line, "a directive (%) is not allowed", "remove that line"};
    const std::string_view content = trim(one);
    if (!content.empty() && content.front() != '#') break;
  }
  return std::nullopt;
}

}  // namespace

std::string shown_key(std::string_view key) {
  std::string clean = sanitize_terminal(key.substr(0, 60));
  std::erase_if(clean, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  return is_utf8(clean) ? clean : "…";
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file) {
  const auto failed = [file](int line, const std::string& what, const std::string& hint) {
    return fail(Code::kInvalidArgument, std::string(file) + " line " + std::to_string(line) + ": " + what, hint);
  };
  if (const std::optional<Refusal> bad = check_characters(text)) return failed(bad->line, bad->what, bad->hint);
  if (const std::optional<Refusal> bad = check_directives(text)) return failed(bad->line, bad->what, bad->hint);
  try {
    // The comment at the end makes yaml-cpp see a quote that is never closed: at a line's end it would let it pass.
    std::istringstream input(std::string(text) + "\n#");
    YAML::Parser parser(input);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_root();
  } catch (const Refusal& refusal) {
    return failed(refusal.line, refusal.what, refusal.hint);
  } catch (const YAML::Exception& error) {
    const int last = static_cast<int>(std::ranges::count(trim(text), '\n'));
    return failed(std::clamp(error.mark.line, 0, last) + 1, error.msg,
                  "check the indentation, the colons and the quotes there");
  }
}

}  // namespace paastech::build
