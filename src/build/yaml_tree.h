#pragma once
// A YAML document as a plain tree with lines; keeps yaml-cpp out of everything else. Pure; thread: any.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paastech::build {

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kPlain, kQuoted, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;                     // from 1
  std::string text;                 // of kPlain and kQuoted
  std::vector<YamlNode> items;      // of kList
  std::vector<YamlMember> members;  // of kMap, in order; keys are unique
};

struct YamlMember {
  std::string key;
  YamlNode value;
};

// The single document of the text; kNull where there is none. Aliases, anchors, tags, keys that are not plain text or
// doubled, control characters and further documents are kInvalidArgument, the message beginning "FILE line L: ".
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file);

std::string shown_key(std::string_view key);  // a Client's key, shortened and safe for a terminal, for messages

}  // namespace paastech::build
