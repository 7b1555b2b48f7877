#pragma once
// Typed values out of paastech.yaml's tree. Every refusal is kInvalidArgument: "paastech.yaml line L: `key` …", with a
// hint. `key` is the full name for messages: "processes.web.port". Pure; thread: any.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/yaml_tree.h"

namespace paastech::build {

inline constexpr std::string_view kManifestFile = "paastech.yaml";

std::unexpected<Error> refuse(int line, const std::string& key, std::string_view what, std::string_view hint);
std::unexpected<Error> unknown_key(const YamlNode& node, const std::string& parent, const std::string& key,
                                   std::string_view allowed);

// A mapping; one left empty (`build:` with nothing below) counts as one without keys.
Status check_mapping(const YamlNode& node, const std::string& key, std::string_view allowed);

bool is_text(const YamlNode& node);                                            // not a number, a boolean, null
Result<std::string> text_value(const YamlNode& node, const std::string& key);  // at most 4096 bytes, no NUL
Result<int> number_value(const YamlNode& node, const std::string& key, int low, int high, std::string_view what);
Result<int> seconds_value(const YamlNode& node, const std::string& key, int low, int high);
// Text, which the image's shell runs, or a list of 1 to 64 words.
Result<std::vector<std::string>> command_value(const YamlNode& node, const std::string& key);

}  // namespace paastech::build
