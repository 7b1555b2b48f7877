// What a process that was killed left in the Engine: containers of builds and of one-off commands that nobody waits
// for any more, and the layers of such builds.
#include "base/human_bytes.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

namespace {

bool is_running_build(const auto& builds, const std::vector<std::string>& extra_hosts) {
  return std::ranges::any_of(
      extra_hosts, [&builds](const std::string& host) { return builds.contains(host.substr(0, host.find(':'))); });
}

bool is_build(const std::vector<std::string>& extra_hosts) {
  return std::ranges::any_of(extra_hosts, [](const std::string& host) { return host.starts_with(kBuildMark); });
}

}  // namespace

// A build's containers have names of the Engine's and labels of the Client's; what they have of ours is the Project's
// network and the mark in their hosts file, neither of which a Client can choose.
net::Task<Status> DockerEngine::remove_if_forsaken(docker::ContainerSummary container) {
  const bool ours = container.name.starts_with(options_.instance + ".");
  if (ours) {
    if (runs_.contains(container.name)) co_return Status{};
  } else {
    const auto details = co_await docker::inspect_container(client_, container.id);
    if (!details && details.error().code == Code::kNotFound) co_return Status{};
    if (!details) co_return std::unexpected(details.error());
    if (!is_build(details->extra_hosts) || is_running_build(builds_, details->extra_hosts)) co_return Status{};
  }
  spdlog::info("removing a container of a {} that nobody waits for: {}", ours ? "one-off command" : "build",
               container.name);
  Status removed = co_await docker::remove_container(client_, container.id);
  co_return removed;
}

net::Task<Status> DockerEngine::remove_forsaken() {
  const std::vector<std::string> any_label;
  CO_TRY_ASSIGN(const auto containers, co_await docker::list_containers(client_, any_label));
  std::vector<net::Task<Status>> work;
  for (const docker::ContainerSummary& container : containers) {
    const std::size_t instance = options_.instance.size();
    const bool on_our_network = container.network.starts_with(options_.instance + "-") &&
                                check_project(std::string_view(container.network).substr(instance + 1)).has_value();
    if (!on_our_network) continue;
    const bool instance_named = container.name.starts_with(options_.instance + ".");
    const auto kind = container.labels.find(std::string(kLabelKind));
    if (instance_named && (kind == container.labels.end() || kind->second != "run")) continue;
    work.push_back(remove_if_forsaken(container));
  }
  const std::vector<Status> outcomes = co_await run_all(tasks_, std::move(work));
  for (const Status& outcome : outcomes) {
    CO_TRY(outcome);
  }
  v1::PruneBuildsRequest all;
  CO_TRY_ASSIGN(const v1::PruneBuildsReply pruned, co_await prune_builds(std::move(all)));
  if (pruned.freed_bytes() > 0)
    spdlog::info("removed {} that killed builds left in images", human_bytes(pruned.freed_bytes()));
  co_return Status{};
}

}  // namespace paastech::pomegranate
