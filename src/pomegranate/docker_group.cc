// A group of Instances from nothing to ready. Each is created, started and probed beside the others. Restarting is off
// until it is ready, so that a program that ends at once is seen to.
#include "docker/deadline.h"
#include "docker/logs.h"
#include "pomegranate/build_output.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/parallel.h"
#include "pomegranate/probe.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kDefaultReadySeconds = 60;
constexpr int kMaxCount = 100;
constexpr int kLastLines = 20;
constexpr auto kLastLinesTime = 10s;  // an Engine that hangs must not keep the reason back
constexpr auto kFirstPause = 5ms;     // a start costs hundreds of milliseconds: a few more attempts cost nothing
constexpr auto kLongestPause = 100ms;
constexpr auto kLongestAttempt = 5s;

v1::GroupEvent failed(std::string reason, std::string message, std::vector<std::string> lines = {}) {
  v1::GroupEvent event;
  v1::GroupFailed& out = *event.mutable_failed();
  out.set_reason(std::move(reason));
  out.set_message(valid_utf8(message));
  for (std::string& line : lines) out.add_last_lines(std::move(line));
  return event;
}

bool client_fault(const std::string& message) {
  for (const char* part :
       {"executable file not found", "no such file or directory", "permission denied", "exec format error",
        "argument list too long", "not a directory", "no command specified", "No command specified"})
    if (message.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

struct BringUp {
  explicit BringUp(net::Executor executor) : changed(std::move(executor)) {}
  InstanceKey key;
  docker::ContainerSpec spec;
  v1::Probe probe;
  int port = 0;
  std::string id;  // once there is a container
  std::string state;
  docker::ContainerDetails details;
  std::shared_ptr<net::HttpExchange> wait;
  net::Notifier changed;
  bool exited = false;
  std::shared_ptr<ProbeAbort> attempt = std::make_shared<ProbeAbort>();
  void wake() {
    if (attempt->now) attempt->now();
    changed.notify();
  }
  SinkPtr<v1::GroupEvent> sink;
};

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
  co_return spec;
}

namespace {

Status check_group(const v1::InstanceGroup& group) {
  TRY(check_project(group.project()));
  TRY(check_process(group.process()));
  if (group.deployment() < 1) return fail(Code::kInvalidArgument, "a deployment's number is 1 or more");
  if (group.count() < 1 || group.count() > kMaxCount)
    return fail(Code::kInvalidArgument, fmt::format("a process can have 1 to {} instances", kMaxCount));
  if (group.port() < 0 || group.port() > 65535) return fail(Code::kInvalidArgument, "a port is 1 to 65535");
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
        failed("image_missing", "the image " + group.image() + " is not there any more; push again");
    [[maybe_unused]] const bool told = co_await sink->put(std::move(missing));
    co_return Status{};
  }

  std::vector<net::Task<Result<v1::GroupEvent>>> starts;
  std::vector<std::weak_ptr<BringUp>> runs;
  for (int index = 0; index < group.count(); ++index) {
    auto run = std::make_shared<BringUp>(tasks_.executor());
    run->key = key;
    run->key.index = index;
    run->spec = spec;
    run->spec.name = container_name(options_.instance, run->key);
    run->spec.hostname = group.process() + "-" + std::to_string(index + 1);
    run->spec.labels = instance_labels(options_.instance, run->key, group.port());
    for (const auto& [label, value] : neutralised(found->image->labels)) run->spec.labels.try_emplace(label, value);
    run->probe = group.probe();
    run->port = group.port();
    run->sink = sink;
    for (const Known& existing : found->instances) {
      if (!(existing.key == run->key)) continue;
      run->id = existing.id;
      run->state = existing.state;
    }
    runs.push_back(run);
    starts.push_back(bring_up(run));
  }
  sink->on_gone([runs] {
    for (const std::weak_ptr<BringUp>& weak : runs)
      if (const auto run = weak.lock()) run->wake();
  });
  const auto outcomes = co_await run_all(tasks_, std::move(starts), kMaxCount);
  v1::GroupEvent last;
  v1::GroupReady& ready = *last.mutable_ready();
  std::optional<v1::GroupEvent> failure;
  for (const Result<v1::GroupEvent>& outcome : outcomes) {
    if (!outcome) co_return std::unexpected(outcome.error());
    if (outcome->has_failed() && !failure) failure = *outcome;
    if (outcome->has_ready()) *ready.add_instances() = outcome->ready().instances(0);
  }
  if (sink->gone()) co_return fail(Code::kCancelled, "cancelled");
  if (failure) last = *failure;
  [[maybe_unused]] const bool told = co_await sink->put(std::move(last));
  co_return Status{};
}

net::Task<Status> DockerEngine::exists_and_runs(std::shared_ptr<BringUp> run) {
  for (int attempt = 0; run->id.empty(); ++attempt) {
    Result<std::string> made = co_await docker::create_container(client_, run->spec);
    if (made) {
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
    if (client_fault(error.message))
      co_return failed("exited", "the command of " + name + " cannot be started: " + error.message +
                                     "; check CMD and ENTRYPOINT of the Dockerfile");
    co_return failed("engine", "the Engine could not start " + name + ": " + error.message);
  }
  Result<v1::GroupEvent> outcome = co_await wait_ready(run);
  // An Instance that is ready is brought back by the Engine whenever it ends, also after a restart of the machine. That
  // costs tens of milliseconds which no one need wait for; where it is lost, the next EnsureGroup makes good for it.
  if (outcome && outcome->has_ready() && run->details.restart_policy != "unless-stopped")
    tasks_.spawn("restart policy", keep_running(run->id));
  co_return outcome;
}

net::Task<void> DockerEngine::keep_running(std::string id) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const Status kept = co_await docker::set_restart_policy(client_, id, "unless-stopped");
    if (kept || kept.error().code == Code::kNotFound) co_return;
    spdlog::warn("container {}: its restart policy could not be set: {}", id, kept.error().message);
    const Status slept = co_await net::sleep_for(1s);
    if (!slept) co_return;
  }
}

net::Task<void> DockerEngine::watch_exit(std::shared_ptr<BringUp> run) {
  auto opened = co_await docker::open_wait(client_, run->id);
  if (!opened) co_return;
  run->wait = std::move(*opened);
  const std::shared_ptr<net::HttpExchange> exchange = run->wait;
  const Result<int> code = co_await docker::read_wait(client_, exchange.get());
  if (!code) co_return;
  run->exited = true;
  run->wake();
}

net::Task<Result<v1::GroupEvent>> DockerEngine::wait_ready(std::shared_ptr<BringUp> run) {
  using Clock = std::chrono::steady_clock;
  v1::GroupEvent ready;
  *ready.mutable_ready()->add_instances() = to_instance(run->details, run->key);
  const v1::Instance& instance = ready.ready().instances(0);
  if (run->details.state != "running") {
    Result<v1::GroupEvent> ended = co_await ended_early(run);
    co_return ended;
  }
  if (run->port == 0) co_return ready;
  tasks_.spawn("watch exit", watch_exit(run));
  const std::int64_t seconds = run->probe.timeout_seconds() > 0 ? run->probe.timeout_seconds() : kDefaultReadySeconds;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  std::chrono::milliseconds pause = kFirstPause;
  bool listened = false;
  int status = 0;
  while (!run->exited && !run->sink->gone() && Clock::now() < deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()) + 1ms;
    const auto limit = std::min<std::chrono::milliseconds>(left, kLongestAttempt);
    const ProbeAttempt attempt = co_await probe_once(instance.address(), static_cast<std::uint16_t>(run->port),
                                                     run->probe.http_path(), limit, run->attempt);
    if (attempt.ready) {
      if (run->wait) run->wait->close();
      co_return ready;
    }
    listened = listened || attempt.connected;
    if (attempt.status != 0) status = attempt.status;
    if (run->exited) break;
    co_await run->changed.wait(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, kLongestPause);
  }
  if (run->wait) run->wait->close();
  if (run->exited) {
    Result<v1::GroupEvent> ended = co_await ended_early(run);
    co_return ended;
  }
  if (run->sink->gone()) co_return fail(Code::kCancelled, "cancelled");
  std::vector<std::string> lines = co_await last_lines(run->id);
  const std::string name = short_name(run->key);
  if (!listened)
    co_return failed(
        "not_listening",
        fmt::format("nothing accepts connections on port {0} of {1} after {2} s; the program must listen on "
                    "0.0.0.0 (not only 127.0.0.1), on the port that $PORT names",
                    run->port, name, seconds),
        std::move(lines));
  const std::string last = status == 0 ? "gave no answer" : fmt::format("answered {}", status);
  co_return failed(
      "unhealthy",
      fmt::format("GET {} of {} {} after {} s; it must answer 2xx or 3xx", run->probe.http_path(), name, last, seconds),
      std::move(lines));
}

net::Task<Result<v1::GroupEvent>> DockerEngine::ended_early(std::shared_ptr<BringUp> run) {
  CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await docker::inspect_container(client_, run->id));
  std::vector<std::string> lines = co_await last_lines(run->id);
  const std::string name = short_name(run->key);
  if (details.out_of_memory)
    co_return failed(
        "out_of_memory",
        fmt::format("{} ran out of memory (limit {}) before it was ready", name, human_bytes(run->spec.memory_bytes)),
        std::move(lines));
  // A statement of its own: of two arguments, the one that moves `lines` may be made first.
  std::string message = fmt::format("{} ended with exit code {} before it was ready{}", name, details.exit_code,
                                    lines.empty() ? "; it printed nothing" : "");
  co_return failed("exited", std::move(message), std::move(lines));
}

net::Task<std::vector<std::string>> DockerEngine::last_lines(std::string id) {
  std::vector<std::string> lines;
  docker::LogQuery query;
  query.tail = kLastLines;
  auto opened = co_await docker::LogStream::open(client_, id, query);
  if (!opened) co_return lines;
  const std::shared_ptr<docker::LogStream> stream = std::move(*opened);
  const docker::Deadline deadline(tasks_.executor(), kLastLinesTime, [stream] { stream->close(); });
  while (lines.size() < kLastLines) {
    auto entry = co_await stream->next();
    if (!entry || !*entry) break;
    lines.push_back(valid_utf8((*entry)->text));
  }
  co_return lines;
}

}  // namespace paastech::pomegranate
