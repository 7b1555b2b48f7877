#include "build/build_section.h"

#include <algorithm>

#include "base/text.h"

namespace paastech::build {
namespace {

constexpr std::string_view kBuildKeys = "the keys allowed in `build` are `dockerfile` and `context`";

// The path without `./`, doubled and last slashes; "." for the root itself.
Result<std::string> path_value(const YamlNode& node, const std::string& key) {
  constexpr std::string_view kAllowed = "name a path below the repository's root, without `..`";
  TRY_ASSIGN(const std::string text, text_value(node, key));
  if (text.empty()) return refuse(node.line, key, "is empty", kAllowed);
  if (text.front() == '/') return refuse(node.line, key, "must be relative, without a leading `/`", kAllowed);
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return refuse(node.line, key, "has a control character", kAllowed);
  std::string path;
  for (const std::string& part : split(text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return refuse(node.line, key, "must not contain `..`", kAllowed);
    // Neither an option nor a pathspec with magic, wherever the path ends up.
    if (part.front() == '-' || part.front() == ':')
      return refuse(node.line, key, "has a part that begins with `-` or `:`", "rename that file or folder");
    path += (path.empty() ? "" : "/") + part;
  }
  return path.empty() ? "." : path;
}

}  // namespace

Status read_build(const YamlNode& node, Manifest& manifest) {
  TRY(check_mapping(node, "build", kBuildKeys));
  const YamlNode* dockerfile = nullptr;
  int context_line = node.line;
  for (const auto& [key, value] : node.members) {
    if (key == "dockerfile") {
      TRY_ASSIGN(manifest.dockerfile, path_value(value, "build.dockerfile"));
      dockerfile = &value;
      if (manifest.dockerfile == ".")
        return refuse(value.line, "build.dockerfile", "must name a file",
                      "for instance: dockerfile: deploy/Dockerfile");
    } else if (key == "context") {
      TRY_ASSIGN(manifest.context, path_value(value, "build.context"));
      context_line = value.line;
    } else {
      return unknown_key(value, "build", key, kBuildKeys);
    }
  }
  if (manifest.context == ".") return {};
  if (!dockerfile) manifest.dockerfile = manifest.context + "/Dockerfile";
  if (!manifest.dockerfile.starts_with(manifest.context + "/"))
    return refuse(std::max(context_line, dockerfile->line), "build.dockerfile", "must lie inside `build.context`",
                  "both paths begin at the repository's root, for instance: context: app, dockerfile: app/Dockerfile");
  return {};
}

}  // namespace paastech::build
