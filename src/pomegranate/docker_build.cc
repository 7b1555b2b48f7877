// Builds by the Engine's classic builder. What a RUN prints is mixed into the builder's own output, so a container that
// it names is only believed where it carries this build's random host entry.
#include "base/ids.h"
#include "build/dockerfile.h"
#include "docker/build.h"
#include "docker/events.h"
#include "pomegranate/build_output.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/dockerfile_scan.h"
#include "pomegranate/image_references.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kDefaultTimeoutSeconds = 900;
constexpr std::size_t kMaxCacheFrom = 16;
// No repository has this name on any registry: the list of cache sources must not be empty, or the builder takes every
// image on the machine for one (threat 4).
constexpr const char* kNoCache = "paastech/none:none";

}  // namespace

struct BuildRun {
  explicit BuildRun(net::Executor executor) : deadline(executor), oom_news(executor) {}
  v1::BuildSpec spec;
  std::shared_ptr<TarSource> tar;
  SinkPtr<v1::BuildEvent> sink;
  DefaultLimits limits;
  std::string nonce;  // in the hosts file of this build's containers
  std::string image;
  std::unique_ptr<net::HttpExchange> exchange;
  std::unique_ptr<docker::EventStream> events;
  net::asio::steady_timer deadline;
  net::Notifier oom_news;
  BuildOutput output;
  std::optional<DockerfileScan> scan;
  std::optional<Error> invalid;            // what is wrong with the Dockerfile
  std::vector<std::string> containers;     // verified
  std::vector<std::string> out_of_memory;  // any container that the kernel killed a process of
  bool timed_out = false;
  bool cancelled = false;
  void stop() {
    if (exchange) exchange->close();
  }
};

namespace {

Status check_spec(const v1::BuildSpec& spec) {
  TRY(check_project(spec.project()));
  if (spec.deployment() < 1) return fail(Code::kInvalidArgument, "a deployment's number is 1 or more");
  if (spec.dockerfile().empty() || spec.dockerfile().starts_with("/") || spec.dockerfile().starts_with("-"))
    return fail(Code::kInvalidArgument, "the Dockerfile is named by its path inside the build context");
  for (const std::string& reference : spec.cache_from())
    if (!is_image_reference(reference, spec.project()))
      return fail(Code::kInvalidArgument, "'" + reference + "' is no image of this project");
  return {};
}

docker::BuildOptions options_of(const BuildRun& run, const std::string& instance) {
  docker::BuildOptions options;
  options.dockerfile = run.spec.dockerfile();
  options.tag = run.image;
  options.memory_bytes = run.limits.memory_bytes;
  options.milli_cpus = run.limits.milli_cpus;
  options.open_files = run.limits.open_files;
  options.network = network_name(instance, run.spec.project());
  for (const std::string& reference : run.spec.cache_from())
    if (options.cache_from.size() < kMaxCacheFrom) options.cache_from.push_back(reference);
  options.cache_from.push_back(kNoCache);
  options.extra_host = run.nonce + ":127.0.0.1";
  return options;
}

v1::BuildEvent failed(std::string reason, std::string message) {
  v1::BuildEvent event;
  event.mutable_result()->set_reason(std::move(reason));
  event.mutable_result()->set_message(std::move(message));
  return event;
}

}  // namespace

net::Task<Status> DockerEngine::build(v1::BuildSpec spec, std::shared_ptr<TarSource> tar,
                                      SinkPtr<v1::BuildEvent> sink) {
  CO_TRY(check_spec(spec));
  auto run = std::make_shared<BuildRun>(tasks_.executor());
  run->spec = std::move(spec);
  run->tar = std::move(tar);
  run->sink = std::move(sink);
  run->limits = effective(run->spec.limits(), kBuildMemoryBytes);
  run->nonce = "build-" + hex(random_token(12));
  run->image = image_reference(run->spec.project(), run->spec.deployment());
  auto check = [project = run->spec.project()](std::string_view text) -> Status {
    TRY(build::check_dockerfile_text(text));
    return check_image_references(text, project);
  };
  run->scan.emplace(run->spec.dockerfile(), std::move(check));
  const std::int64_t seconds = run->spec.timeout_seconds() > 0 ? run->spec.timeout_seconds() : kDefaultTimeoutSeconds;
  run->deadline.expires_after(std::chrono::seconds(seconds));
  run->deadline.async_wait([weak = std::weak_ptr(run)](const boost::system::error_code& cancelled) {
    const std::shared_ptr<BuildRun> alive = weak.lock();
    if (!alive || cancelled) return;
    alive->timed_out = true;
    alive->stop();
  });
  run->sink->on_gone([weak = std::weak_ptr(run)] {
    const std::shared_ptr<BuildRun> alive = weak.lock();
    if (!alive) return;
    alive->cancelled = true;
    alive->stop();
  });
  Status done = co_await run_build(run);
  run->deadline.cancel();
  if (run->events) run->events->close();
  run->exchange.reset();
  co_await clean_up_build(run);
  if (run->cancelled) co_return fail(Code::kCancelled, "the build was cancelled");
  if (run->timed_out || run->invalid) {
    v1::BuildEvent event =
        run->timed_out
            ? failed("timeout", fmt::format("the build took longer than its limit of {} s and was stopped", seconds))
            : failed("invalid_dockerfile",
                     run->invalid->message + (run->invalid->hint.empty() ? "" : "; " + run->invalid->hint));
    [[maybe_unused]] const bool told = co_await run->sink->put(std::move(event));
    co_return Status{};
  }
  co_return done;
}

net::Task<Status> DockerEngine::run_build(std::shared_ptr<BuildRun> run) {
  // A build's containers keep the Engine's default capabilities, so they must not share a network with another
  // Project's.
  const std::string network = network_name(options_.instance, run->spec.project());
  CO_TRY(co_await ensure_network(network, run->spec.project()));
  const std::vector<std::string> any_label;
  const std::vector<std::string> actions(1, "oom");
  CO_TRY_ASSIGN(run->events, co_await docker::EventStream::open(client_, any_label, actions));
  tasks_.spawn("build memory", watch_memory(run));
  docker::BuildOptions options = options_of(*run, options_.instance);
  CO_TRY_ASSIGN(run->exchange, co_await docker::open_build(client_, std::move(options)));
  if (run->cancelled || run->timed_out) co_return Status{};
  Status uploaded = co_await upload(run);
  if (run->invalid || run->cancelled || run->timed_out) co_return Status{};
  // Where the upload broke off the Engine has often said why.
  const Status head = co_await client_->check_head(run->exchange.get());
  if (!head) {
    if (run->cancelled || run->timed_out) co_return Status{};
    if (head.error().code != Code::kInvalidArgument) co_return uploaded ? head : uploaded;
    // The builder read the Dockerfile and would not begin.
    BuildFailure why = explain_build_failure(head.error().message, 0, false, run->limits.memory_bytes);
    v1::BuildEvent event = failed(std::move(why.reason), std::move(why.message));
    [[maybe_unused]] const bool told = co_await run->sink->put(std::move(event));
    co_return Status{};
  }
  CO_TRY(co_await read_output(run));
  Status finished = co_await finish_build(run);
  co_return finished;
}

net::Task<Status> DockerEngine::upload(std::shared_ptr<BuildRun> run) {
  while (true) {
    std::optional<std::string> piece = co_await run->tar->next();
    if (!piece || run->cancelled || run->timed_out) break;
    const Status fine = run->scan->add(*piece);
    if (!fine) {
      run->invalid = fine.error();
      run->stop();
      co_return Status{};
    }
    Status sent = co_await run->exchange->write(std::move(*piece));
    if (!sent) co_return std::unexpected(client_->lost(sent.error()));
  }
  if (run->cancelled || run->timed_out) co_return Status{};
  const Status whole = run->scan->finish();
  if (!whole) {
    run->invalid = whole.error();
    run->stop();
    co_return Status{};
  }
  const Status finished = co_await run->exchange->finish();
  if (!finished) co_return std::unexpected(client_->lost(finished.error()));
  co_return Status{};
}

net::Task<Status> DockerEngine::read_output(std::shared_ptr<BuildRun> run) {
  while (true) {
    const Result<std::string> piece = co_await run->exchange->read();
    if (run->cancelled || run->timed_out) co_return Status{};
    if (!piece) co_return std::unexpected(client_->lost(piece.error()));
    if (piece->empty())
      run->output.finish();
    else
      run->output.add(*piece);
    for (const std::string& id : run->output.take_containers()) tasks_.spawn("bound build", bound_container(run, id));
    const std::vector<std::string> lines = run->output.take_lines();
    for (const std::string& line : lines) {
      v1::BuildEvent event;
      event.set_line(line);
      const bool told = co_await run->sink->put(std::move(event));
      if (told) continue;
      run->cancelled = true;
      run->stop();
      co_return Status{};
    }
    if (piece->empty()) co_return Status{};
  }
}

// The classic builder has no limit on processes; its containers do, once they exist (threat 9).
net::Task<void> DockerEngine::bound_container(std::shared_ptr<BuildRun> run, std::string id) {
  const auto details = co_await docker::inspect_container(client_, id);
  if (!details) co_return;
  const std::string mark = run->nonce + ":127.0.0.1";
  if (std::ranges::find(details->extra_hosts, mark) == details->extra_hosts.end()) co_return;
  run->containers.push_back(details->id);
  const Status bounded = co_await docker::limit_processes(client_, details->id, run->limits.processes);
  if (bounded || bounded.error().code == Code::kNotFound) co_return;
  const auto now = co_await docker::inspect_container(client_, id);
  if (!now || now->state != "running") co_return;  // it has ended by itself
  spdlog::error("stopping a build whose processes cannot be limited: {}", bounded.error().message);
  run->stop();
}

net::Task<void> DockerEngine::watch_memory(std::shared_ptr<BuildRun> run) {
  while (run->events) {
    const auto event = co_await run->events->next();
    if (!event) co_return;
    run->out_of_memory.push_back(event->id);
    run->oom_news.notify();
  }
}

net::Task<Status> DockerEngine::finish_build(std::shared_ptr<BuildRun> run) {
  if (run->cancelled || run->timed_out) co_return Status{};
  v1::BuildEvent event;
  if (run->output.error().empty() && !run->output.image().empty()) {
    CO_TRY_ASSIGN(const docker::ImageDetails image, co_await docker::inspect_image(client_, run->image));
    if (!image.has_command)
      event = failed("invalid_dockerfile", "the image has no command: add CMD or ENTRYPOINT to the Dockerfile");
    else
      event.mutable_result()->set_ok(true);
    event.mutable_result()->set_image(run->image);
    event.mutable_result()->set_exposed_port(single_port(image.exposed));
  } else {
    const bool killed = run->output.error_code() == 137 || run->output.error().find("code: 137") != std::string::npos;
    // The Engine tells of it on another connection, which may be a moment later.
    if (killed && run->out_of_memory.empty()) co_await run->oom_news.wait(500ms);
    const auto ours = [&run](const std::string& id) {
      return std::ranges::find(run->containers, id) != run->containers.end();
    };
    const bool memory = std::ranges::any_of(run->out_of_memory, ours);
    const std::string error =
        run->output.error().empty() ? "the Engine ended the build without a result" : run->output.error();
    BuildFailure why = explain_build_failure(error, run->output.error_code(), memory, run->limits.memory_bytes);
    event = failed(std::move(why.reason), std::move(why.message));
  }
  [[maybe_unused]] const bool told = co_await run->sink->put(std::move(event));
  co_return Status{};
}

// Closing the connection ends a build; this makes sure that nothing of it lives on, and that what a build that failed
// left does not pile up on the disk.
net::Task<void> DockerEngine::clean_up_build(std::shared_ptr<BuildRun> run) {
  const bool succeeded =
      run->output.error().empty() && !run->output.image().empty() && !run->cancelled && !run->timed_out;
  if (succeeded) co_return;
  std::vector<net::Task<Status>> work;
  for (const std::string& id : run->containers) work.push_back(docker::remove_container(client_, id));
  const std::vector<Status> removed = co_await run_all(tasks_, std::move(work));
  for (const Status& status : removed)
    if (!status) spdlog::warn("removing a build's container: {}", status.error().message);
  const std::string layer = run->output.last_layer();
  if (layer.empty()) co_return;
  // The id comes from the output, so only what no one has given a name may go.
  const auto image = co_await docker::inspect_image(client_, layer);
  if (!image || !image->tags.empty()) co_return;
  const Status gone = co_await docker::remove_image(client_, image->id);
  if (!gone) spdlog::debug("a failed build's layers stay: {}", gone.error().message);
}

}  // namespace paastech::pomegranate
