// What Instances, one-off commands and builds write beside their images is bounded. Docker does that itself only on XFS
// with project quotas, so that it is watched here, and what wrote too much is ended (docs/decisions/0014).
#include <sys/statvfs.h>

#include "base/human_bytes.h"
#include "docker/system.h"
#include "docker/volumes.h"
#include "pomegranate/build_layers.h"
#include "pomegranate/build_run.h"
#include "pomegranate/disk_pace.h"
#include "pomegranate/docker_engine.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// One that writes as fast as a disk can gets this far beyond its limit.
constexpr auto kEvery = 2s;

DiskSpace disk_space(const std::string& folder) {
  struct statvfs disk{};
  if (folder.empty() || ::statvfs(folder.c_str(), &disk) != 0) return {};
  const auto block = static_cast<std::int64_t>(disk.f_frsize);
  return {static_cast<std::int64_t>(disk.f_blocks) * block, static_cast<std::int64_t>(disk.f_bavail) * block};
}

// Of the volumes that the Engine makes for an image's VOLUMEs: they are no part of a container's own layer.
using VolumeSizes = std::map<std::string, std::int64_t>;
std::int64_t bytes_in(const std::vector<std::string>& volumes, const VolumeSizes& sizes) {
  std::int64_t bytes = 0;
  for (const std::string& volume : volumes) {
    const auto found = sizes.find(volume);
    if (found != sizes.end()) bytes += found->second;
  }
  return bytes;
}

}  // namespace

net::Task<Result<DiskSpace>> DockerEngine::engine_disk() {
  if (root_folder_.empty()) {
    CO_TRY_ASSIGN(docker::SystemInfo info, co_await docker::system_info(client_));
    root_folder_ = std::move(info.root_folder);
  }
  auto measure = [folder = root_folder_] { return disk_space(folder); };
  const DiskSpace disk = co_await blocking_.run(std::move(measure));
  co_return disk;
}

net::Task<void> DockerEngine::watch_disk() {
  DiskPace pace;
  while (true) {
    const Status slept = co_await net::sleep_for(kEvery);
    if (!slept) co_return;
    const Result<DiskSpace> disk = co_await engine_disk();
    const SteadyClock::time_point began = SteadyClock::now();
    if (!disk || !pace.due(disk->free_bytes, began)) continue;
    const Status looked = co_await end_overfull();
    if (!looked && looked.error().code != Code::kUnavailable)
      spdlog::warn("looking at what containers have written: {}", looked.error().message);
    co_await stop_overfull_builds();
    pace.looked(disk->free_bytes, began, SteadyClock::now());
  }
}

// At once, without the signal that one who is well gets: until it ends it writes on.
net::Task<Status> DockerEngine::end_overfull() {
  std::vector<std::string> ours{label_filter(kLabelInstance, options_.instance)};
  CO_TRY_ASSIGN(const auto containers, co_await docker::list_containers(client_, std::move(ours), true));
  std::erase_if(overfull_, [&containers](const auto& one) {
    return std::ranges::find(containers, one.first, &docker::ContainerSummary::id) == containers.end();
  });
  const auto counts = [this](const docker::ContainerSummary& container) {
    return container.name.starts_with(options_.instance + ".") && container.state == "running";
  };
  VolumeSizes sizes;
  if (std::ranges::any_of(containers, [&](const auto& one) { return counts(one) && !one.volumes.empty(); })) {
    CO_TRY_ASSIGN(sizes, co_await docker::volume_sizes(client_));
  }
  for (const docker::ContainerSummary& container : containers) {
    if (!counts(container)) continue;
    const std::int64_t bytes = container.written_bytes + bytes_in(container.volumes, sizes);
    if (bytes <= options_.instance_disk_bytes) continue;
    spdlog::warn("{} wrote {}, more than the {} that it may: it is ended", container.name, human_bytes(bytes),
                 human_bytes(options_.instance_disk_bytes));
    overfull_[container.id] = bytes;
    const Status ended = co_await docker::stop_container(client_, container.id, 0);
    if (!ended && ended.error().code != Code::kNotFound) co_return ended;
  }
  co_return Status{};
}

std::int64_t DockerEngine::overfull_bytes(const std::string& container) const {
  const auto found = overfull_.find(container);
  return found == overfull_.end() ? 0 : found->second;
}

std::string DockerEngine::overfull_text(const std::string& container) const {
  return fmt::format("wrote {} to its disk (limit {})", human_bytes(overfull_bytes(container)),
                     human_bytes(options_.instance_disk_bytes));
}

void DockerEngine::tell_overfull(const std::string& container, v1::Instance& instance) const {
  const std::int64_t bytes = overfull_bytes(container);
  if (bytes == 0) return;
  instance.set_overfull_bytes(bytes);
  instance.set_disk_limit_bytes(options_.instance_disk_bytes);
}

// What the steps of each have left, and what the container of the step under way has written so far. In this order: a
// step that ends meanwhile is missed until the next time, and never counted twice.
net::Task<void> DockerEngine::stop_overfull_builds() {
  if (builds_.empty()) co_return;
  const auto images = co_await docker::list_all_images(client_);
  if (!images) co_return;
  std::vector<std::shared_ptr<BuildRun>> under_way;
  under_way.reserve(builds_.size());
  for (const auto& [nonce, build] : builds_) under_way.push_back(build);
  std::optional<VolumeSizes> sizes;  // asked for once, where a step has volumes
  for (const std::shared_ptr<BuildRun>& run : under_way) {
    if (run->stopped()) continue;
    std::int64_t all = layer_bytes(*images, run->tips(), run->began_ms);
    if (!run->containers.empty()) {
      const std::string last = run->containers.back();
      const Result<docker::Written> written = co_await docker::written(client_, last);
      if (written) all += written->bytes;  // else it has ended
      if (written && !written->volumes.empty()) {
        if (!sizes) {
          Result<VolumeSizes> measured = co_await docker::volume_sizes(client_);
          sizes = std::move(measured).value_or(VolumeSizes());
        }
        all += bytes_in(written->volumes, *sizes);
      }
    }
    if (all <= options_.build_disk_bytes) continue;
    run->overfull = true;
    run->stop();
  }
}

}  // namespace paastech::pomegranate
