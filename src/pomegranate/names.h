#pragma once
// How Instances are named and labelled in the Engine, and whom we believe. An image's labels end up on its containers,
// so a label alone proves nothing: the container's name, which no image can choose, must say the same. Pure.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::pomegranate {

using Labels = std::map<std::string, std::string>;

struct InstanceKey {
  std::string project;  // uuid
  std::int64_t deployment = 0;
  std::string process;
  int index = 0;
  bool operator==(const InstanceKey&) const = default;
};

inline constexpr std::string_view kLabelInstance = "paastech.instance";
inline constexpr std::string_view kLabelKind = "paastech.kind";  // instance | run | network | volume
inline constexpr std::string_view kLabelProject = "paastech.project";
inline constexpr std::string_view kLabelDeployment = "paastech.deployment";
inline constexpr std::string_view kLabelProcess = "paastech.process";
inline constexpr std::string_view kLabelIndex = "paastech.index";
inline constexpr std::string_view kLabelPort = "paastech.port";
inline constexpr std::string_view kLabelVolume = "paastech.volume";

std::string label_filter(std::string_view key, std::string_view value);  // "key=value"
std::string container_name(std::string_view instance,
                           const InstanceKey& key);  // <instance>.<uuid>.<n>.<process>.<index>
std::string short_name(const InstanceKey& key);      // "web.1": counted from one, for people
std::string network_name(std::string_view instance, std::string_view project);
// The interface of a network's bridge: pt<4>-<8>, of which all of one Service begin with bridge_prefix(). 15
// characters, the most that a name has (netdevice(7), IFNAMSIZ).
std::string bridge_prefix(std::string_view instance);
std::string bridge_name(std::string_view instance, std::string_view network);
std::string volume_name(std::string_view instance, std::string_view project, std::string_view name);
std::string image_reference(std::string_view project, std::int64_t deployment);  // paastech/<uuid>:<n>

Labels instance_labels(std::string_view instance, const InstanceKey& key, int port);
// The key of a container of ours whose name and labels agree; nullopt for any other.
std::optional<InstanceKey> trusted_key(std::string_view instance, std::string_view name, const Labels& labels);
int port_of(const Labels& labels);

// Overrides with the empty value every label of the image that could mean something to a proxy or a tool that reads
// labels (traefik.*, caddy*, com.docker.*, …, threat 23): all but those that only describe.
Labels neutralised(const Labels& image_labels);

Status check_instance_name(std::string_view instance);  // it becomes part of names: [a-z0-9-], a letter or digit first
Status check_project(std::string_view uuid);
Status check_process(std::string_view process);
Status check_volume(std::string_view name);
// One of our Projects' images, the form that image_reference makes; project: where not empty, of that Project only.
bool is_image_reference(std::string_view reference, std::string_view project = {});

}  // namespace paastech::pomegranate
