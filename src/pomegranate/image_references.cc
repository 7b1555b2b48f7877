#include "pomegranate/image_references.h"

#include <map>
#include <optional>
#include <sstream>
#include <vector>

#include "base/text.h"

namespace paastech::pomegranate {

namespace {

using Arguments = std::map<std::string, std::string>;

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  std::istringstream stream{std::string(line)};
  for (std::string word; stream >> word;) out.push_back(word);
  return out;
}

std::string unquoted(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '"' && c != '\'' && c != '\\') out.push_back(c);
  return out;
}

// $NAME and ${NAME}; nullopt where a modifier (${NAME:-x}) is used, which is not followed here.
std::optional<std::string> expand(std::string_view text, const Arguments& arguments) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out.push_back(text[i]);
      continue;
    }
    const bool braces = i + 1 < text.size() && text[i + 1] == '{';
    std::size_t end = i + (braces ? 2 : 1);
    const std::size_t start = end;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    if (braces && (end >= text.size() || text[end] != '}')) return std::nullopt;
    const auto found = arguments.find(std::string(text.substr(start, end - start)));
    if (found != arguments.end()) out += found->second;
    i = braces ? end : end - 1;
  }
  return out;
}

// Whether the reference may name an image of ours: with or without Docker Hub's host in front.
bool is_foreign(std::string reference, std::string_view project) {
  reference = lower(reference);
  for (const std::string_view host : {"docker.io/", "index.docker.io/"})
    if (reference.starts_with(host)) reference = reference.substr(host.size());
  if (reference.starts_with("sha256:")) return true;  // an image by its id: could be anyone's
  return reference.starts_with("paastech/") && !reference.starts_with("paastech/" + std::string(project) + ":");
}

struct Line {
  int number = 0;
  std::string text;
};

// Joins continued lines, leaves out comments. Both escape characters continue a line here, which is stricter than
// Docker.
std::vector<Line> logical_lines(std::string_view text) {
  std::vector<Line> out;
  Line current;
  int number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (line.starts_with("#") || line.empty()) continue;
    const bool continued = line.ends_with("\\") || line.ends_with("`");
    if (continued) line.remove_suffix(1);
    if (current.text.empty()) current.number = number;
    // Docker joins without a space between: FROM paas\<newline>tech/x is one word.
    current.text +=
        current.text.empty() ? std::string(line) : std::string(raw.substr(0, raw.rfind(line) + line.size()));
    if (continued) continue;
    out.push_back(std::exchange(current, Line{}));
  }
  if (!current.text.empty()) out.push_back(current);
  return out;
}

Status refuse(int line, std::string what) {
  return fail(Code::kInvalidArgument, "Dockerfile line " + std::to_string(line) + ": " + std::move(what),
              "build on a public image, or on another stage of this Dockerfile");
}

}  // namespace

Status check_image_references(std::string_view dockerfile, std::string_view project) {
  Arguments arguments;
  for (const Line& line : logical_lines(dockerfile)) {
    std::vector<std::string> parts = words(line.text);
    while (!parts.empty() && lower(parts[0]) == "onbuild") parts.erase(parts.begin());
    if (parts.empty()) continue;
    const std::string instruction = lower(parts[0]);
    if (instruction == "arg") {
      for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::size_t equals = parts[i].find('=');
        if (equals == std::string::npos) continue;
        const std::optional<std::string> value = expand(unquoted(parts[i].substr(equals + 1)), arguments);
        arguments[parts[i].substr(0, equals)] = value.value_or("$");
      }
      continue;
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
      std::string reference = unquoted(parts[i]);
      const bool flag = reference.starts_with("--");
      const bool from_flag = lower(reference).starts_with("--from=");
      if (from_flag) reference = reference.substr(7);
      if (!(instruction == "from" && !flag) && !from_flag) {
        if (instruction == "from" || flag) continue;
        break;
      }
      const std::optional<std::string> value = expand(reference, arguments);
      if (!value || value->find('$') != std::string::npos)
        return refuse(line.number, "the image name " + parts[i] + " uses a form of variable that is not allowed there");
      if (is_foreign(*value, project)) return refuse(line.number, "the image " + *value + " is not this project's");
      if (instruction == "from") break;
    }
  }
  return {};
}

}  // namespace paastech::pomegranate
