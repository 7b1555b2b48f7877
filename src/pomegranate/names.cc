#include "pomegranate/names.h"

#include <charconv>

#include "base/ids.h"
#include "base/text.h"

namespace paastech::pomegranate {

namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool canonical = !text.empty() && (text == "0" || (text[0] >= '1' && text[0] <= '9'));
  if (!canonical || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_word(std::string_view text, std::size_t longest) {
  if (text.empty() || text.size() > longest || text[0] == '-') return false;
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return true;
}

}  // namespace

std::string label_filter(std::string_view key, std::string_view value) {
  return std::string(key) + "=" + std::string(value);
}

std::string container_name(std::string_view instance, const InstanceKey& key) {
  return std::string(instance) + "." + key.project + "." + std::to_string(key.deployment) + "." + key.process + "." +
         std::to_string(key.index);
}

std::string short_name(const InstanceKey& key) { return key.process + "." + std::to_string(key.index + 1); }

std::string network_name(std::string_view instance, std::string_view project) {
  return std::string(instance) + "-" + std::string(project);
}

std::string bridge_prefix(std::string_view instance) { return "pt" + hex(sha256(instance)).substr(0, 4) + "-"; }

std::string bridge_name(std::string_view instance, std::string_view network) {
  // 5 bits a character: of 10,000 networks two share a name once in 20,000 Services (2^40 names).
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string name = bridge_prefix(instance);
  for (const char byte : sha256(network).substr(0, 8))
    name += kDigits[static_cast<unsigned char>(byte) % kDigits.size()];
  return name;
}

std::string volume_name(std::string_view instance, std::string_view project, std::string_view name) {
  return std::string(instance) + "." + std::string(project) + "." + std::string(name);
}

std::string image_reference(std::string_view project, std::int64_t deployment) {
  return "paastech/" + std::string(project) + ":" + std::to_string(deployment);
}

Labels instance_labels(std::string_view instance, const InstanceKey& key, int port) {
  return {{std::string(kLabelInstance), std::string(instance)},
          {std::string(kLabelKind), "instance"},
          {std::string(kLabelProject), key.project},
          {std::string(kLabelDeployment), std::to_string(key.deployment)},
          {std::string(kLabelProcess), key.process},
          {std::string(kLabelIndex), std::to_string(key.index)},
          {std::string(kLabelPort), std::to_string(port)}};
}

std::optional<InstanceKey> trusted_key(std::string_view instance, std::string_view name, const Labels& labels) {
  const std::vector<std::string> parts = split(name, '.');
  if (parts.size() != 5 || parts[0] != instance) return std::nullopt;
  const std::optional<std::int64_t> deployment = whole_number(parts[2]);
  const std::optional<std::int64_t> index = whole_number(parts[4]);
  if (!is_uuid(parts[1]) || !deployment || !index || !check_process(parts[3])) return std::nullopt;
  InstanceKey key{parts[1], *deployment, parts[3], static_cast<int>(*index)};
  for (const auto& [label, value] : instance_labels(instance, key, 0)) {
    if (label == kLabelPort) continue;
    const auto found = labels.find(label);
    if (found == labels.end() || found->second != value) return std::nullopt;
  }
  return key;
}

int port_of(const Labels& labels) {
  const auto found = labels.find(std::string(kLabelPort));
  const auto port = found == labels.end() ? std::nullopt : whole_number(found->second);
  return port && *port <= 65535 ? static_cast<int>(*port) : 0;
}

Labels neutralised(const Labels& image_labels) {
  Labels out;
  for (const auto& [label, value] : image_labels)
    if (!label.starts_with("org.opencontainers.image.") && label != "maintainer") out[label] = "";
  return out;
}

Status check_instance_name(std::string_view instance) {
  if (is_word(instance, 32)) return {};
  return fail(Code::kInvalidArgument,
              "the Service's instance name may hold lower-case letters, digits and hyphens only");
}

Status check_project(std::string_view uuid) {
  if (is_uuid(uuid)) return {};
  return fail(Code::kInvalidArgument, "a project is named by its uuid here");
}

Status check_process(std::string_view process) {
  if (is_word(process, 30)) return {};
  return fail(Code::kInvalidArgument, "a process name has 1 to 30 lower-case letters, digits and hyphens");
}

Status check_volume(std::string_view name) {
  if (is_word(name, 30)) return {};
  return fail(Code::kInvalidArgument, "a volume name has 1 to 30 lower-case letters, digits and hyphens");
}

bool is_image_reference(std::string_view reference, std::string_view project) {
  constexpr std::string_view kPrefix = "paastech/";
  if (!reference.starts_with(kPrefix)) return false;
  reference.remove_prefix(kPrefix.size());
  const std::size_t colon = reference.find(':');
  if (colon == std::string_view::npos || !is_uuid(reference.substr(0, colon))) return false;
  if (!project.empty() && reference.substr(0, colon) != project) return false;
  return whole_number(reference.substr(colon + 1)).has_value();
}

}  // namespace paastech::pomegranate
