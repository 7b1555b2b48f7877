// Builds by the Engine's classic builder. What a RUN prints is mixed into the builder's own output, so a container that
// it names is only believed where it carries this build's random host entry.
#include "base/clock.h"
#include "base/human_bytes.h"
#include "base/ids.h"
#include "build/dockerfile.h"
#include "docker/build.h"
#include "docker/events.h"
#include "pomegranate/build_layers.h"
#include "pomegranate/build_run.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/image_references.h"
#include "pomegranate/image_rules.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kBuildSeconds = 900;
constexpr std::size_t kMaxCacheFrom = 16;
// No repository has this name on any registry: the list of cache sources must not be empty, or the builder takes every
// image on the machine for one (threat 4).
constexpr const char* kNoCache = "paastech/none:none";

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
  Result<build::Dockerignore> ignore = build::Dockerignore::parse(spec.dockerignore());
  if (!ignore) {
    v1::BuildEvent event = failed("invalid_dockerfile", with_hint(ignore.error()));
    [[maybe_unused]] const bool told = co_await sink->put(std::move(event));
    co_return Status{};
  }
  auto run = std::make_shared<BuildRun>(tasks_.executor());
  run->spec = std::move(spec);
  run->tar = std::move(tar);
  run->sink = std::move(sink);
  run->limits = effective(run->spec.limits(), kBuildMemoryBytes);
  run->nonce = std::string(kBuildMark) + hex(random_token(12));
  run->began_ms = SystemClock().now_ms() / 1000 * 1000;
  run->image = image_reference(run->spec.project(), run->spec.deployment());
  auto check = [this, raw = run.get()](std::string_view text) -> Status {  // owned by the run
    TRY(build::check_dockerfile_text(text));
    TRY_ASSIGN(raw->base_images, check_image_references(text, raw->spec.project(), options_.registries));
    return {};
  };
  run->scan.emplace(run->spec.dockerfile(), std::move(check), std::move(*ignore));
  const std::int64_t seconds = run->spec.timeout_seconds() > 0 ? run->spec.timeout_seconds() : kBuildSeconds;
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
  builds_.emplace(run->nonce, run);
  Status done = co_await run_build(run);
  builds_.erase(run->nonce);
  run->deadline.cancel();
  if (run->events) run->events->close();
  run->exchange.reset();
  co_await clean_up_build(run);
  if (run->cancelled) co_return fail(Code::kCancelled, "the build was cancelled");
  if (run->timed_out || run->overfull || run->invalid) {
    v1::BuildEvent event;
    if (run->timed_out)
      event = failed("timeout", fmt::format("the build took longer than its limit of {} s and was stopped", seconds));
    else if (run->overfull)
      event =
          failed("out_of_disk", fmt::format("the build wrote more than its limit of {} and was stopped; remove what "
                                            "a step does not need to keep, in the same RUN",
                                            human_bytes(options_.build_disk_bytes)));
    else
      event = failed(run->invalid->code == Code::kInvalidArgument ? "invalid_dockerfile" : "build_failed",
                     with_hint(*run->invalid));
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
  const std::vector<std::string> actions{"create", "oom"};
  CO_TRY_ASSIGN(run->events, co_await docker::EventStream::open(client_, any_label, actions));
  tasks_.spawn("build containers", watch_containers(run));
  docker::BuildOptions options = options_of(*run, options_.instance);
  CO_TRY_ASSIGN(run->exchange, co_await docker::open_build(client_, std::move(options)));
  if (run->stopped()) co_return Status{};
  Status uploaded = co_await upload(run);
  if (run->invalid || run->stopped()) co_return Status{};
  // Where the upload broke off the Engine has often said why.
  const Status head = co_await client_->check_head(run->exchange.get(), 0s);
  if (!head) {
    if (run->stopped()) co_return Status{};
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
    if (!piece || run->stopped()) break;
    Result<std::string> passed = run->scan->add(std::move(*piece));
    if (!passed) {
      run->invalid = passed.error();
      run->stop();
      co_return Status{};
    }
    if (passed->empty()) continue;
    Status sent = co_await run->exchange->write(std::move(*passed));
    if (!sent) co_return std::unexpected(client_->lost(sent.error()));
  }
  if (run->stopped()) co_return Status{};
  const Status whole = run->scan->finish();
  if (!whole) {
    run->invalid = whole.error();
    run->stop();
    co_return Status{};
  }
  const Status ready = co_await ready_base_images(run->base_images, run->spec.project(), run->sink, run->fetch);
  if (!ready) {
    const Code code = ready.error().code;
    if (code == Code::kInvalidArgument || code == Code::kFailedPrecondition) run->invalid = ready.error();
    if (code == Code::kCancelled && !run->stopped()) run->cancelled = true;
    run->stop();
    co_return ready;
  }
  const Status finished = co_await run->exchange->finish();
  if (!finished) co_return std::unexpected(client_->lost(finished.error()));
  co_return Status{};
}

net::Task<Status> DockerEngine::read_output(std::shared_ptr<BuildRun> run) {
  while (true) {
    const Result<std::string> piece = co_await run->exchange->read();
    if (run->stopped()) co_return Status{};
    if (!piece) co_return std::unexpected(client_->lost(piece.error()));
    if (piece->empty())
      run->output.finish();
    else
      run->output.add(*piece);
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

// The classic builder has no limit on processes; its containers do, once they exist (threat 9). Which are this build's
// is seen by its mark, never by what the output says: a RUN may print what it likes.
net::Task<void> DockerEngine::bound_container(std::shared_ptr<BuildRun> run, std::string id) {
  const auto details = co_await docker::inspect_container(client_, id);
  if (!details) co_return;
  const std::string mark = run->nonce + ":127.0.0.1";
  if (std::ranges::find(details->extra_hosts, mark) == details->extra_hosts.end()) co_return;
  run->containers.push_back(details->id);
  run->layers.push_back(details->image_id);
  tasks_.spawn("mark layer", mark_layer(run->nonce, *details, static_cast<int>(run->containers.size())));
  const Status bounded = co_await docker::limit_processes(client_, details->id, run->limits.processes);
  if (bounded || bounded.error().code == Code::kNotFound) co_return;
  const auto now = co_await docker::inspect_container(client_, id);
  if (!now || now->state != "running") co_return;  // it has ended by itself
  spdlog::error("stopping a build whose processes cannot be limited: {}", bounded.error().message);
  run->stop();
}

net::Task<void> DockerEngine::watch_containers(std::shared_ptr<BuildRun> run) {
  while (run->events) {
    const auto event = co_await run->events->next();
    if (!event) co_return;
    if (event->action == "create") {
      co_await bound_container(run, event->id);
      continue;
    }
    run->out_of_memory.push_back(event->id);
    run->oom_news.notify();
  }
}

net::Task<Status> DockerEngine::finish_build(std::shared_ptr<BuildRun> run) {
  if (run->stopped()) co_return Status{};
  v1::BuildEvent event;
  if (run->output.error().empty() && !run->output.image().empty()) {
    CO_TRY_ASSIGN(const docker::ImageDetails image, co_await docker::inspect_image(client_, run->image));
    const bool may_be_overfull = image.size_bytes > options_.build_disk_bytes || !run->output.stage_ends().empty();
    if (may_be_overfull) {
      CO_TRY_ASSIGN(const auto all, co_await docker::list_all_images(client_));
      run->overfull = layer_bytes(all, run->tips(), run->began_ms) > options_.build_disk_bytes;
    }
    if (run->overfull) {
      const Status removed = co_await docker::remove_image(client_, run->image);
      co_return removed;
    }
    Status fit = check_image_bounds(image);
    if (!image.has_command)
      fit = fail(Code::kInvalidArgument, "the image has no command: add CMD or ENTRYPOINT to the Dockerfile");
    if (!fit) {
      event = failed("invalid_dockerfile", fit.error().message);
      const Status removed = co_await docker::remove_image(client_, run->image);
      if (!removed) spdlog::info("image {} stays: {}", run->image, removed.error().message);
    }
    event.mutable_result()->set_ok(fit.has_value());
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

// Closing the connection ends a build; this makes sure that nothing of it lives on, and that what it left beside its
// image does not pile up on the disk: the layers of a build that failed, and of stages that are only copied from.
net::Task<void> DockerEngine::clean_up_build(std::shared_ptr<BuildRun> run) {
  const bool succeeded = run->output.error().empty() && !run->output.image().empty() && !run->stopped();
  std::vector<std::string> layers = run->output.stage_ends();
  const int marks = static_cast<int>(run->containers.size());
  if (succeeded) {  // nobody need wait for it
    tasks_.spawn("remove stages", remove_unneeded(run->nonce, marks, std::move(layers)));
    co_return;
  }
  std::vector<net::Task<Status>> work;
  for (const std::string& id : run->containers) work.push_back(docker::remove_container(client_, id));
  const std::vector<Status> removed = co_await run_all(tasks_, std::move(work));
  for (const Status& status : removed)
    if (!status) spdlog::warn("removing a build's container: {}", status.error().message);
  if (!run->output.last_layer().empty()) layers.push_back(run->output.last_layer());
  co_await remove_unneeded(run->nonce, marks, std::move(layers));
}

net::Task<void> DockerEngine::remove_unneeded(std::string nonce, int marks, std::vector<std::string> layers) {
  co_await remove_marks(std::move(nonce), marks);
  co_await remove_layers(std::move(layers));
}

// The newest first, for one stage may stand upon another. The ids come from the output, so only what has no name may
// go; the Engine itself refuses what another image or a container stands upon, and removes a layer's nameless parents
// with it.
net::Task<void> DockerEngine::remove_layers(std::vector<std::string> ids) {
  while (!ids.empty()) {
    const std::string id = std::move(ids.back());
    ids.pop_back();
    const auto image = co_await docker::inspect_image(client_, id);
    if (!image || !image->names.empty()) continue;
    const Status gone = co_await docker::remove_image(client_, image->id);
    if (!gone) spdlog::debug("a build's layers stay: {}", gone.error().message);
  }
}

}  // namespace paastech::pomegranate
