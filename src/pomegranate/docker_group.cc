// A group of Instances from nothing to ready. Each is created, started and probed beside the others. Restarting is off
// until it is ready, so that a program that ends at once is seen to.
// docker_ready.cc waits for that.
#include "base/failpoint.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/group_start.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr int kMaxCount = 100;
constexpr int kMaxGraceSeconds = 3600;

bool is_signal(std::string_view name) {
  return name.starts_with("SIG") && name.size() > 3 && name.size() <= 12 &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == std::string_view::npos;
}

}  // namespace

v1::GroupEvent start_failed(std::string reason, std::string message, std::vector<std::string> lines) {
  v1::GroupEvent event;
  v1::GroupFailed& out = *event.mutable_failed();
  out.set_reason(std::move(reason));
  out.set_message(valid_utf8(message));
  for (std::string& line : lines) out.add_last_lines(std::move(line));
  return event;
}

bool is_client_fault(const std::string& message) {
  for (const char* part :
       {"executable file not found", "no such file or directory", "permission denied", "exec format error",
        "argument list too long", "not a directory", "no command specified", "No command specified"})
    if (message.find(part) != std::string::npos) return true;
  return false;
}

net::Task<Result<docker::ContainerSpec>> DockerEngine::container_spec(v1::InstanceGroup group) {
  CO_TRY_ASSIGN(const std::string runtime, co_await runtime_for(group.isolation()));
  const DefaultLimits limits = effective(group.limits(), DefaultLimits().memory_bytes);
  docker::ContainerSpec spec;
  spec.image = group.image();
  spec.command.assign(group.command().begin(), group.command().end());
  for (const v1::EnvironmentVariable& variable : group.environment())
    spec.environment.push_back(variable.name() + "=" + variable.value());
  spec.network = network_name(options_.instance, group.project());
  spec.runtime = runtime;
  spec.memory_bytes = limits.memory_bytes;
  spec.nano_cpus = limits.milli_cpus * 1'000'000;
  spec.processes = limits.processes;
  spec.open_files = limits.open_files;
  spec.capabilities = kept_capabilities();
  spec.stop_signal = group.stop_signal();
  spec.stop_seconds = group.stop_grace_seconds();
  co_return spec;
}

namespace {

Status check_group(const v1::InstanceGroup& group) {
  TRY(check_project(group.project()));
  TRY(check_process(group.process()));
  if (group.deployment() < 1) return fail(Code::kInvalidArgument, "a deployment's number is 1 or more");
  if (group.count() < 1 || group.count() > kMaxCount)
    return fail(Code::kInvalidArgument, fmt::format("a process can have 1 to {} instances", kMaxCount));
  for (const int index : group.index())
    if (index < 0 || index >= group.count())
      return fail(Code::kInvalidArgument, "an index is 0 to one below the count");
  if (group.port() < 0 || group.port() > 65535) return fail(Code::kInvalidArgument, "a port is 1 to 65535");
  if (group.has_probe()) TRY(check_probe(group.probe(), group.port()));
  if (!group.stop_signal().empty() && !is_signal(group.stop_signal()))
    return fail(Code::kInvalidArgument, "'" + group.stop_signal() + "' is no signal", "write it as SIGTERM");
  if (group.stop_grace_seconds() < 0 || group.stop_grace_seconds() > kMaxGraceSeconds)
    return fail(Code::kInvalidArgument, fmt::format("the time to stop is 1 to {} s", kMaxGraceSeconds));
  if (!is_image_reference(group.image(), group.project()))
    return fail(Code::kInvalidArgument, "'" + group.image() + "' is no image of this project");
  for (const v1::EnvironmentVariable& variable : group.environment())
    if (variable.name().empty() || variable.name().find('=') != std::string::npos ||
        variable.name().find('\0') != std::string::npos || variable.value().find('\0') != std::string::npos)
      return fail(Code::kInvalidArgument, "an environment variable has a name or value that cannot be");
  return {};
}

}  // namespace

net::Task<Status> DockerEngine::find_image(std::shared_ptr<Found> found, std::string reference) {
  Result<docker::ImageDetails> image = co_await docker::inspect_image(client_, reference);
  if (image) found->image = std::move(*image);
  if (!image && image.error().code != Code::kNotFound) co_return std::unexpected(image.error());
  co_return Status{};
}

net::Task<Status> DockerEngine::find_instances(std::shared_ptr<Found> found, InstanceKey key) {
  CO_TRY_ASSIGN(found->instances, co_await known(key.project, key.deployment, key.process));
  co_return Status{};
}

net::Task<Status> DockerEngine::ensure_group(v1::InstanceGroup group, SinkPtr<v1::GroupEvent> sink) {
  CO_TRY(check_group(group));
  CO_TRY_ASSIGN(docker::ContainerSpec spec, co_await container_spec(group));
  // The network, the image and what runs already are asked for at once.
  auto found = std::make_shared<Found>();
  const InstanceKey key{group.project(), group.deployment(), group.process(), 0};
  std::vector<net::Task<Status>> work;
  work.push_back(ensure_network(spec.network, group.project()));
  work.push_back(find_image(found, group.image()));
  work.push_back(find_instances(found, key));
  const std::vector<Status> asked = co_await run_all(tasks_, std::move(work));
  for (const Status& status : asked) {
    CO_TRY(status);
  }
  if (!found->image) {
    v1::GroupEvent missing =
        start_failed("image_missing", "the image " + group.image() + " is not there any more; push again");
    [[maybe_unused]] const bool told = co_await sink->put(std::move(missing));
    co_return Status{};
  }

  std::vector<net::Task<Result<v1::GroupEvent>>> starts;
  std::vector<std::weak_ptr<BringUp>> runs;
  std::vector<int> indexes;
  for (int index = 0; index < group.count(); ++index) {
    if (!group.index().empty() && std::ranges::count(group.index(), index) == 0) continue;
    auto run = std::make_shared<BringUp>(tasks_.executor());
    run->key = key;
    run->key.index = index;
    run->spec = spec;
    run->spec.name = container_name(options_.instance, run->key);
    run->spec.hostname = group.process() + "-" + std::to_string(index + 1);
    run->spec.labels = instance_labels(options_.instance, run->key, group.port());
    for (const auto& [label, value] : neutralised(found->image->labels)) run->spec.labels.try_emplace(label, value);
    run->probe = group.probe();
    run->probed = group.has_probe() || group.port() != 0;
    run->port = group.port();
    run->sink = sink;
    for (const Known& existing : found->instances) {
      if (!(existing.key == run->key)) continue;
      run->id = existing.id;
      run->state = existing.state;
    }
    runs.push_back(run);
    indexes.push_back(index);
    starts.push_back(bring_up(run));
  }
  sink->on_gone([runs] {
    for (const std::weak_ptr<BringUp>& weak : runs)
      if (const auto run = weak.lock()) run->wake();
  });
  const auto outcomes = co_await run_all(tasks_, std::move(starts), kMaxCount);
  v1::GroupReady ready;
  std::optional<v1::GroupEvent> failure;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Result<v1::GroupEvent>& outcome = outcomes[i];
    if (!outcome) co_return std::unexpected(outcome.error());
    if (outcome->has_ready()) *ready.add_instances() = outcome->ready().instances(0);
    if (!outcome->has_failed()) continue;
    if (!failure) failure = *outcome;
    failure->mutable_failed()->add_index(indexes[i]);
  }
  if (sink->gone()) co_return fail(Code::kCancelled, "cancelled");
  v1::GroupEvent last;
  if (failure) {
    last = std::move(*failure);
    *last.mutable_failed()->mutable_ready() = std::move(*ready.mutable_instances());
  } else {
    *last.mutable_ready() = std::move(ready);
  }
  [[maybe_unused]] const bool told = co_await sink->put(std::move(last));
  co_return Status{};
}

net::Task<Status> DockerEngine::exists_and_runs(std::shared_ptr<BringUp> run) {
  for (int attempt = 0; run->id.empty(); ++attempt) {
    Result<std::string> made = co_await docker::create_container(client_, run->spec);
    if (made) {
      PAASTECH_FAILPOINT("engine.created");
      run->id = *made;
      break;
    }
    if (made.error().code != Code::kAlreadyExists || attempt == 3) co_return std::unexpected(made.error());
    // Another call made it a moment ago: take it, where it is what its name says.
    const auto other = co_await docker::inspect_container(client_, run->spec.name);
    if (!other && other.error().code == Code::kNotFound) continue;
    if (!other) co_return std::unexpected(other.error());
    if (!trusted_key(options_.instance, other->name, other->labels))
      co_return fail(Code::kFailedPrecondition,
                     "a container named " + run->spec.name + " is there, but is not this Service's");
    run->id = other->id;
    run->state = other->state;
  }
  if (run->state != "running") {
    CO_TRY(co_await docker::start_container(client_, run->id));
    PAASTECH_FAILPOINT("engine.started");
  }
  CO_TRY_ASSIGN(run->details, co_await docker::inspect_container(client_, run->id));
  co_return Status{};
}

net::Task<Result<v1::GroupEvent>> DockerEngine::bring_up(std::shared_ptr<BringUp> run) {
  const Status started = co_await exists_and_runs(run);
  if (!started) {
    const Error& error = started.error();
    if (error.code == Code::kUnavailable || error.code == Code::kCancelled) co_return std::unexpected(error);
    const std::string name = short_name(run->key);
    if (is_client_fault(error.message))
      co_return start_failed("exited", "the command of " + name + " cannot be started: " + error.message +
                                           "; check CMD and ENTRYPOINT of the Dockerfile");
    co_return start_failed("engine", "the Engine could not start " + name + ": " + error.message);
  }
  Result<v1::GroupEvent> outcome = co_await wait_ready(run);
  // An Instance that is ready is brought back by the Engine whenever it ends, also after a restart of the machine. That
  // costs tens of milliseconds which no one need wait for; where it is lost, the next EnsureGroup makes good for it.
  if (outcome && outcome->has_ready() && run->details.restart_policy != "unless-stopped" &&
      being_kept_.insert(run->id).second)
    tasks_.spawn("restart policy", keep_running(run->id));
  co_return outcome;
}

net::Task<void> DockerEngine::keep_running(std::string id) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const Status kept = co_await docker::set_restart_policy(client_, id, "unless-stopped");
    if (kept || kept.error().code == Code::kNotFound) break;
    spdlog::warn("container {}: its restart policy could not be set: {}", id, kept.error().message);
    const Status slept = co_await net::sleep_for(1s);
    if (!slept) break;
  }
  being_kept_.erase(id);
  kept_.notify();
}

}  // namespace paastech::pomegranate
