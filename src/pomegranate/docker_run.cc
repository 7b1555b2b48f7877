// One command in a fresh container: release commands and one-off commands.
#include <deque>

#include "base/ids.h"
#include "docker/deadline.h"
#include "docker/logs.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/log_resume.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

namespace {

constexpr std::int64_t kCommandSeconds = 600;

}  // namespace

net::Task<Status> DockerEngine::run_once(v1::RunOnceRequest request, SinkPtr<v1::RunEvent> sink) {
  CO_TRY(check_project(request.project()));
  if (!is_image_reference(request.image(), request.project()))
    co_return fail(Code::kInvalidArgument, "'" + request.image() + "' is no image of this project");
  const std::string network = network_name(options_.instance, request.project());
  CO_TRY(co_await ensure_network(network, request.project()));
  CO_TRY_ASSIGN(const docker::ImageDetails image, co_await docker::inspect_image(client_, request.image()));
  const DefaultLimits limits = effective(request.limits(), DefaultLimits().memory_bytes);
  docker::ContainerSpec spec;
  spec.name = fmt::format("{}.{}.{}.run-{}", options_.instance, request.project(), request.deployment(),
                          hex(random_token(8)).substr(0, 12));
  spec.image = request.image();
  spec.command.assign(request.command().begin(), request.command().end());
  for (const v1::EnvironmentVariable& variable : request.environment())
    spec.environment.push_back(variable.name() + "=" + variable.value());
  spec.labels = {{std::string(kLabelInstance), options_.instance},
                 {std::string(kLabelKind), "run"},
                 {std::string(kLabelProject), request.project()},
                 {std::string(kLabelDeployment), std::to_string(request.deployment())}};
  for (const auto& [label, value] : neutralised(image.labels)) spec.labels.try_emplace(label, value);
  spec.hostname = "run";
  spec.network = network;
  spec.memory_bytes = limits.memory_bytes;
  spec.nano_cpus = limits.milli_cpus * 1'000'000;
  spec.processes = limits.processes;
  spec.open_files = limits.open_files;
  spec.capabilities = kept_capabilities();
  const std::string name = spec.name;
  runs_.insert(name);
  const auto made = co_await docker::create_container(client_, std::move(spec));
  if (!made) {
    runs_.erase(name);
    co_return std::unexpected(made.error());
  }
  const std::string& id = *made;
  const std::chrono::seconds timeout(request.timeout_seconds() > 0 ? request.timeout_seconds() : kCommandSeconds);
  const Result<int> code = co_await run_to_end(id, sink, timeout);
  const Status removed = co_await docker::remove_container(client_, id);
  runs_.erase(name);
  if (!removed) spdlog::warn("removing a one-off container: {}", removed.error().message);
  if (!code) co_return std::unexpected(code.error());
  v1::RunEvent last;
  last.set_exit_code(*code);
  [[maybe_unused]] const bool told = co_await sink->put(std::move(last));
  co_return Status{};
}

// What is read of a command's container, and from where.
struct RunOutput final : docker::LineTaker {
  void take(bool error_stream, std::int64_t at_ns, std::string_view text) override {
    resume.take(error_stream, at_ns, text, adder());
  }
  void finish() { resume.finish(adder()); }
  void close() {
    closed = true;
    if (stream) stream->close();
    if (exit) exit->close();
  }
  std::string id;
  SinkPtr<v1::RunEvent> sink;
  LogResume resume;
  std::deque<std::string> lines;
  std::shared_ptr<docker::LogStream> stream;
  std::shared_ptr<net::HttpExchange> exit;
  bool closed = false;

 private:
  struct Adder {
    RunOutput* to;
    void operator()(bool, std::int64_t, std::string_view text) const { to->lines.push_back(valid_utf8(text)); }
  };
  Adder adder() { return {this}; }
};

net::Task<Status> DockerEngine::pass_on_output(std::shared_ptr<RunOutput> run, bool follow) {
  docker::LogQuery query;
  query.follow = follow;
  query.whole_lines = follow;
  query.since_ns = run->resume.since_ns();
  run->resume.again();
  CO_TRY_ASSIGN(run->stream, co_await docker::LogStream::open(client_, run->id, query));
  bool more = true;
  if (run->closed) co_return fail(Code::kCancelled, "cancelled");
  while (more) {
    CO_TRY_ASSIGN(more, co_await run->stream->read(run.get()));
    if (!more && !follow) run->finish();
    while (!run->lines.empty()) {
      v1::RunEvent event;
      event.set_line(std::move(run->lines.front()));
      run->lines.pop_front();
      const bool told = co_await run->sink->put(std::move(event));
      if (!told) co_return fail(Code::kCancelled, "cancelled");
    }
  }
  co_return Status{};
}

net::Task<Result<int>> DockerEngine::follow_to_exit(std::shared_ptr<RunOutput> run) {
  CO_TRY(co_await pass_on_output(run, true));
  CO_TRY_ASSIGN(run->exit, co_await docker::open_wait(client_, run->id));
  if (run->closed) co_return fail(Code::kCancelled, "cancelled");
  CO_TRY_ASSIGN(const int code, co_await docker::read_wait(client_, run->exit.get()));
  // A followed stream that ends with its program may leave out the last lines: the Engine does not look again.
  CO_TRY(co_await pass_on_output(run, false));
  co_return code;
}

net::Task<Result<int>> DockerEngine::run_to_end(std::string id, SinkPtr<v1::RunEvent> sink,
                                                std::chrono::seconds timeout) {
  CO_TRY(co_await docker::start_container(client_, id));
  const auto run = std::make_shared<RunOutput>();
  run->id = std::move(id);
  run->sink = sink;
  const auto close = [weak = std::weak_ptr(run)] {
    if (const auto alive = weak.lock()) alive->close();
  };
  sink->on_gone(close);
  const docker::Deadline deadline(tasks_.executor(), timeout, close);
  const Result<int> code = co_await follow_to_exit(run);
  if (deadline.passed() && !code)
    co_return fail(Code::kDeadlineExceeded,
                   fmt::format("the command did not end within {} s and was stopped", timeout.count()));
  if (sink->gone()) co_return fail(Code::kCancelled, "cancelled");
  if (overfull_bytes(run->id) > 0)
    co_return fail(Code::kResourceExhausted, fmt::format("the command {} and was stopped", overfull_text(run->id)));
  co_return code;
}

}  // namespace paastech::pomegranate
