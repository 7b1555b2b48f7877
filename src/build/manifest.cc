#include "build/manifest.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "build/yaml_tree.h"

namespace paastech::build {
namespace {

using Kind = YamlNode::Kind;

constexpr std::string_view kFile = "paastech.yaml";
constexpr std::size_t kSizeLimit = 256 * 1024;
constexpr std::size_t kWordLimit = 64;    // words of a command
constexpr std::size_t kTextLimit = 4096;  // bytes of a path, a word
constexpr std::string_view kTopKeys = "the keys allowed are `build` and `processes`";
constexpr std::string_view kBuildKeys = "the keys allowed in `build` are `dockerfile` and `context`";
constexpr std::string_view kProcessKeys =
    "the keys allowed in `processes.web` are `command`, `health`, `port` and `ready_timeout`";

std::unexpected<Error> refuse(int line, const std::string& key, std::string_view what, std::string_view hint) {
  const std::string subject = key.empty() ? "" : "`" + key + "` ";
  return fail(Code::kInvalidArgument,
              std::string(kFile) + " line " + std::to_string(line) + ": " + subject + std::string(what),
              std::string(hint));
}

std::unexpected<Error> unknown(const YamlNode& node, const std::string& parent, const std::string& key,
                               std::string_view allowed) {
  const std::string full = parent.empty() ? shown_key(key) : parent + "." + shown_key(key);
  return refuse(node.line, full, "is not a known key", allowed);
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

// A mapping; one left empty (`build:` with nothing below) counts as one without keys.
Status check_mapping(const YamlNode& node, const std::string& key, std::string_view allowed) {
  if (node.kind == Kind::kMap || node.kind == Kind::kNull) return {};
  return refuse(node.line, key, key.empty() ? "the file must be a mapping of keys" : "must be a mapping of keys",
                allowed);
}

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
      return unknown(value, "build", key, kBuildKeys);
    }
  }
  if (manifest.context == ".") return {};
  if (!dockerfile) manifest.dockerfile = manifest.context + "/Dockerfile";
  if (!manifest.dockerfile.starts_with(manifest.context + "/"))
    return refuse(std::max(context_line, dockerfile->line), "build.dockerfile", "must lie inside `build.context`",
                  "both paths begin at the repository's root, for instance: context: app, dockerfile: app/Dockerfile");
  return {};
}

Result<std::vector<std::string>> command_value(const YamlNode& node, const std::string& key) {
  constexpr std::string_view kAllowed = "for instance: command: [\"node\", \"server.js\"]";
  if (node.kind != Kind::kList) return refuse(node.line, key, "must be a list of words", kAllowed);
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

Result<std::string> health_value(const YamlNode& node, const std::string& key) {
  constexpr std::string_view kAllowed = "for instance: health: /healthz";
  TRY_ASSIGN(std::string path, text_value(node, key));
  // It becomes the target of a request line (RFC 9112 section 3.2): visible ASCII, no fragment.
  const bool fits =
      path.starts_with('/') && std::ranges::all_of(path, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!fits) return refuse(node.line, key, "must be an HTTP path that begins with `/`, without spaces", kAllowed);
  return path;
}

Status read_process(const YamlNode& node, const std::string& name, Process& process) {
  TRY(check_mapping(node, name, kProcessKeys));
  for (const auto& [key, value] : node.members) {
    const std::string full = name + "." + key;
    if (key == "port") {
      TRY_ASSIGN(process.port, number_value(value, full, 1, 65535, "a number"));
    } else if (key == "health") {
      TRY_ASSIGN(process.health, health_value(value, full));
    } else if (key == "ready_timeout") {
      TRY_ASSIGN(process.ready_timeout_s, number_value(value, full, 1, 600, "whole seconds"));
    } else if (key == "command") {
      TRY_ASSIGN(process.command, command_value(value, full));
    } else {
      return unknown(value, name, key, kProcessKeys);
    }
  }
  return {};
}

Status read_processes(const YamlNode& node, Manifest& manifest) {
  TRY(check_mapping(node, "processes", "the only process for now is `web`"));
  for (const auto& [name, value] : node.members) {
    if (name != "web")
      return refuse(value.line, "processes." + shown_key(name), "is not a process that can be run",
                    "the only process for now is `web`");
    TRY(read_process(value, "processes.web", manifest.processes["web"]));
  }
  return {};
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kSizeLimit)
    return fail(Code::kInvalidArgument, "paastech.yaml is over 256 KiB", "keep only the keys that are described");
  TRY_ASSIGN(const YamlNode root, parse_yaml(text, kFile));
  TRY(check_mapping(root, "", kTopKeys));
  Manifest manifest;
  for (const auto& [key, value] : root.members) {
    if (key == "build") {
      TRY(read_build(value, manifest));
    } else if (key == "processes") {
      TRY(read_processes(value, manifest));
    } else {
      return unknown(value, "", key, kTopKeys);
    }
  }
  return manifest;
}

std::string processes_to_json(const std::map<std::string, Process>& processes) {
  boost::json::object out;
  for (const auto& [name, process] : processes) {
    boost::json::array command;
    for (const std::string& word : process.command) command.emplace_back(word);
    out[name] = boost::json::object{{"command", std::move(command)},
                                    {"port", process.port},
                                    {"health", process.health},
                                    {"ready_timeout", process.ready_timeout_s}};
  }
  return boost::json::serialize(out);
}

// Unknown members are left out, missing ones take the default: a row may be older or newer than the program.
Result<std::map<std::string, Process>> processes_from_json(std::string_view text) {
  try {
    std::map<std::string, Process> out;
    const boost::json::value parsed = boost::json::parse({text.data(), text.size()});
    for (const auto& [name, value] : parsed.as_object()) {
      const boost::json::object& members = value.as_object();
      Process& process = out[std::string(name)];
      if (const auto* command = members.if_contains("command"))
        for (const boost::json::value& word : command->as_array()) process.command.emplace_back(word.as_string());
      if (const auto* port = members.if_contains("port")) process.port = port->to_number<int>();
      if (const auto* health = members.if_contains("health")) process.health = std::string(health->as_string());
      if (const auto* limit = members.if_contains("ready_timeout")) process.ready_timeout_s = limit->to_number<int>();
    }
    return out;
  } catch (const std::exception&) {
    return fail(Code::kInternal, "the stored process list of a deployment is damaged", "deploy the project again");
  }
}

}  // namespace paastech::build
