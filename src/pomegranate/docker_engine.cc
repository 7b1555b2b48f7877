#include "pomegranate/docker_engine.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/failpoint.h"
#include "docker/system.h"
#include "docker/volumes.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

namespace {

std::vector<std::string> host_nameservers() {
  std::ifstream file("/etc/resolv.conf");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_nameservers(text);
}

// No more than what this process may have itself: an Engine that runs without CAP_SYS_RESOURCE beside it, as in a
// container, cannot give more and would refuse to start anything.
std::int64_t most_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return 1 << 20;
  return static_cast<std::int64_t>(limit.rlim_max);
}

}  // namespace

DefaultLimits effective(const v1::Limits& asked, std::int64_t default_memory) {
  DefaultLimits limits;
  limits.memory_bytes = asked.memory_bytes() > 0 ? asked.memory_bytes() : default_memory;
  if (asked.milli_cpus() > 0) limits.milli_cpus = asked.milli_cpus();
  if (asked.processes() > 0) limits.processes = asked.processes();
  if (asked.open_files() > 0) limits.open_files = asked.open_files();
  limits.open_files = std::min(limits.open_files, most_open_files());
  return limits;
}

const std::vector<std::string>& kept_capabilities() {
  static const std::vector<std::string> kept{"CHOWN", "DAC_OVERRIDE",     "FOWNER", "FSETID",
                                             "KILL",  "NET_BIND_SERVICE", "SETGID", "SETUID"};
  return kept;
}

Result<std::unique_ptr<DockerEngine>> DockerEngine::make(net::TaskGroup& tasks, Options options) {
  TRY(check_instance_name(options.instance));
  TRY_ASSIGN(SubnetPool pool, SubnetPool::make(options.subnet_pool, options.subnet_bits));
  return std::unique_ptr<DockerEngine>(new DockerEngine(tasks, std::move(options), pool));
}

DockerEngine::DockerEngine(net::TaskGroup& tasks, Options options, SubnetPool pool)
    : tasks_(tasks),
      options_(std::move(options)),
      pool_(pool),
      client_(std::make_shared<docker::Client>(options_.docker_socket)),
      firewall_(options_.instance,
                {.pool = pool.whole().text(),
                 .bridges = bridge_prefix(options_.instance),
                 .nameservers = host_nameservers(),
                 .ipv6 = std::filesystem::exists("/proc/net/if_inet6")},
                [](std::vector<std::string> argv) { return run_program(std::move(argv)); }) {}

net::Task<Result<v1::EngineDescription>> DockerEngine::describe() {
  CO_TRY_ASSIGN(const std::string version, co_await client_->version());
  CO_TRY_ASSIGN(const docker::SystemInfo info, co_await docker::system_info(client_));
  v1::EngineDescription out;
  out.set_engine("docker");
  out.set_version(info.engine_version);
  out.set_api_version(version);
  for (const std::string& runtime : info.runtimes) out.add_runtimes(runtime);
  out.set_cgroup_version(info.cgroup_version);
  out.set_firewall(firewall_state_);
  root_folder_ = info.root_folder;
  CO_TRY_ASSIGN(const DiskSpace disk, co_await engine_disk());
  out.set_disk_total_bytes(disk.total_bytes);
  out.set_disk_free_bytes(disk.free_bytes);
  co_return out;
}

net::Task<Result<std::vector<DockerEngine::Known>>> DockerEngine::known(std::string project, std::int64_t deployment,
                                                                        std::string process) {
  std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance),
                                  label_filter(kLabelKind, "instance")};
  if (!project.empty()) labels.push_back(label_filter(kLabelProject, project));
  if (deployment != 0) labels.push_back(label_filter(kLabelDeployment, std::to_string(deployment)));
  if (!process.empty()) labels.push_back(label_filter(kLabelProcess, process));
  CO_TRY_ASSIGN(const auto containers, co_await docker::list_containers(client_, std::move(labels)));
  std::vector<Known> out;
  for (const docker::ContainerSummary& container : containers) {
    const std::optional<InstanceKey> key = trusted_key(options_.instance, container.name, container.labels);
    if (key) out.push_back({container.id, *key, port_of(container.labels), container.state});
  }
  std::ranges::sort(
      out, {}, [](const Known& k) { return std::tie(k.key.project, k.key.deployment, k.key.process, k.key.index); });
  co_return out;
}

v1::Instance DockerEngine::to_instance(const docker::ContainerDetails& details, const InstanceKey& key) const {
  v1::Instance out;
  out.set_id(details.id);
  out.set_project(key.project);
  out.set_deployment(key.deployment);
  out.set_process(key.process);
  out.set_index(key.index);
  const bool ended = details.state == "dead" || details.state == "removing";
  out.set_state(ended ? "exited" : details.state == "paused" ? "running" : details.state);
  const auto address = details.addresses.find(network_name(options_.instance, key.project));
  if (details.state == "running" && address != details.addresses.end()) out.set_address(address->second);
  out.set_port(port_of(details.labels));
  out.set_exit_code(details.exit_code);
  out.set_out_of_memory(details.out_of_memory);
  out.set_started_at_ms(details.started_at_ms);
  tell_overfull(details.id, out);
  out.set_kept(details.restart_policy == "unless-stopped");
  out.set_restarts(details.restarts);
  out.set_image(details.image);
  out.set_name(short_name(key));
  return out;
}

net::Task<Result<v1::Instance>> DockerEngine::instance_of(Known one) {
  CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await docker::inspect_container(client_, one.id));
  co_return to_instance(details, one.key);
}

net::Task<Result<v1::ListReply>> DockerEngine::list(v1::ListRequest request) {
  if (!request.project().empty()) {
    CO_TRY(check_project(request.project()));
  }
  CO_TRY_ASSIGN(const std::vector<Known> containers, co_await known(request.project(), 0, ""));
  std::vector<net::Task<Result<v1::Instance>>> work;
  work.reserve(containers.size());
  for (const Known& container : containers) work.push_back(instance_of(container));
  const std::vector<Result<v1::Instance>> instances = co_await run_all(tasks_, std::move(work));
  v1::ListReply reply;
  for (const Result<v1::Instance>& instance : instances) {
    if (!instance && instance.error().code == Code::kNotFound) continue;  // removed in between
    if (!instance) co_return std::unexpected(instance.error());
    *reply.add_instances() = *instance;
  }
  co_return reply;
}

net::Task<Result<v1::ListImagesReply>> DockerEngine::list_images(v1::ListImagesRequest request) {
  CO_TRY(check_project(request.project()));
  CO_TRY_ASSIGN(const auto images, co_await docker::list_images(client_, "paastech/" + request.project()));
  v1::ListImagesReply reply;
  for (const docker::ImageSummary& image : images) {
    v1::Image& out = *reply.add_images();
    out.set_reference(image.reference);
    out.set_id(image.id);
    out.set_created_at_ms(image.created_at_ms);
    out.set_size_bytes(image.size_bytes);
  }
  co_return reply;
}

net::Task<Result<v1::RemoveImageReply>> DockerEngine::remove_image(v1::RemoveImageRequest request) {
  if (!is_image_reference(request.reference()))
    co_return fail(Code::kInvalidArgument, "'" + request.reference() + "' is no image of a Project");
  CO_TRY(co_await docker::remove_image(client_, request.reference()));
  co_return v1::RemoveImageReply();
}

net::Task<Result<v1::Volume>> DockerEngine::ensure_volume(v1::VolumeRequest request) {
  CO_TRY(check_project(request.project()));
  CO_TRY(check_volume(request.name()));
  v1::Volume volume;
  volume.set_project(request.project());
  volume.set_name(request.name());
  volume.set_engine_name(volume_name(options_.instance, request.project(), request.name()));
  Labels labels{{std::string(kLabelInstance), options_.instance},
                {std::string(kLabelKind), "volume"},
                {std::string(kLabelProject), request.project()},
                {std::string(kLabelVolume), request.name()}};
  CO_TRY(co_await docker::create_volume(client_, volume.engine_name(), std::move(labels)));
  co_return volume;
}

net::Task<Result<v1::ListVolumesReply>> DockerEngine::list_volumes(v1::ListVolumesRequest request) {
  CO_TRY(check_project(request.project()));
  std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance), label_filter(kLabelKind, "volume"),
                                  label_filter(kLabelProject, request.project())};
  CO_TRY_ASSIGN(const auto volumes, co_await docker::list_volumes(client_, std::move(labels)));
  v1::ListVolumesReply reply;
  for (const docker::VolumeSummary& volume : volumes) {
    v1::Volume& out = *reply.add_volumes();
    out.set_project(request.project());
    const auto name = volume.labels.find(std::string(kLabelVolume));
    if (name != volume.labels.end()) out.set_name(name->second);
    out.set_engine_name(volume.name);
  }
  co_return reply;
}

net::Task<Result<v1::RemoveVolumeReply>> DockerEngine::remove_volume(v1::VolumeRequest request) {
  CO_TRY(check_project(request.project()));
  CO_TRY(check_volume(request.name()));
  const std::string name = volume_name(options_.instance, request.project(), request.name());
  CO_TRY(co_await docker::remove_volume(client_, name));
  co_return v1::RemoveVolumeReply();
}

net::Task<Result<v1::RemoveProjectReply>> DockerEngine::remove_project(v1::RemoveProjectRequest request) {
  CO_TRY(check_project(request.project()));
  v1::RemoveProjectReply reply;
  const auto leave = [&reply](const char* kind, const std::string& id, const Error& error) {
    v1::Leftover& leftover = *reply.add_leftovers();
    leftover.set_kind(kind);
    leftover.set_id(id);
    leftover.set_reason(error.message);
  };
  // By label alone: also one-off commands, and what some earlier version named otherwise.
  std::vector<std::string> labels{label_filter(kLabelInstance, options_.instance),
                                  label_filter(kLabelProject, request.project())};
  CO_TRY_ASSIGN(const auto containers, co_await docker::list_containers(client_, labels));
  std::vector<std::string> ids;
  std::vector<net::Task<Status>> work;
  const std::string prefix = options_.instance + "." + request.project() + ".";
  for (const docker::ContainerSummary& container : containers) {
    if (!container.name.starts_with(prefix)) continue;  // a foreign image's labels
    ids.push_back(container.id);
    work.push_back(stop_and_remove(container.id, 0));
  }
  const std::vector<Status> outcomes = co_await run_all(tasks_, std::move(work));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (outcomes[i])
      reply.set_containers(reply.containers() + 1);
    else
      leave("container", ids[i], outcomes[i].error());
  }
  PAASTECH_FAILPOINT("engine.emptied");
  const std::string network = network_name(options_.instance, request.project());
  const Result<bool> gone = co_await remove_network_and_attached(network);
  if (!gone)
    leave("network", network, gone.error());
  else if (*gone)
    reply.set_networks(1);
  PAASTECH_FAILPOINT("engine.unlinked");
  CO_TRY_ASSIGN(const auto images, co_await docker::list_images(client_, "paastech/" + request.project()));
  for (const docker::ImageSummary& image : images) {
    const Status removed = co_await docker::remove_image(client_, image.reference);
    if (removed)
      reply.set_images(reply.images() + 1);
    else
      leave("image", image.reference, removed.error());
  }
  if (!request.volumes()) co_return reply;
  v1::ListVolumesRequest which;
  which.set_project(request.project());
  CO_TRY_ASSIGN(const v1::ListVolumesReply volumes, co_await list_volumes(which));
  for (const v1::Volume& volume : volumes.volumes()) {
    const Status removed = co_await docker::remove_volume(client_, volume.engine_name());
    if (!removed) leave("volume", volume.engine_name(), removed.error());
  }
  co_return reply;
}

}  // namespace paastech::pomegranate
