// One command in a fresh container: release commands and one-off commands.
#include "base/ids.h"
#include "docker/deadline.h"
#include "docker/logs.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

namespace {

constexpr std::int64_t kDefaultTimeoutSeconds = 600;

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
  const std::string id = *made;
  const std::chrono::seconds timeout(request.timeout_seconds() > 0 ? request.timeout_seconds()
                                                                   : kDefaultTimeoutSeconds);
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

net::Task<Result<int>> DockerEngine::run_to_end(std::string id, SinkPtr<v1::RunEvent> sink,
                                                std::chrono::seconds timeout) {
  CO_TRY(co_await docker::start_container(client_, id));
  docker::LogQuery query;
  query.follow = true;
  CO_TRY_ASSIGN(auto opened, co_await docker::LogStream::open(client_, id, query));
  struct Open {  // what is read from at the moment
    std::unique_ptr<docker::LogStream> stream;
    std::unique_ptr<net::HttpExchange> exit;
    void close() const {
      if (stream) stream->close();
      if (exit) exit->close();
    }
  };
  const auto open = std::make_shared<Open>();
  open->stream = std::move(opened);
  sink->on_gone([weak = std::weak_ptr(open)] {
    if (const auto alive = weak.lock()) alive->close();
  });
  const docker::Deadline deadline(tasks_.executor(), timeout, [weak = std::weak_ptr(open)] {
    if (const auto alive = weak.lock()) alive->close();
  });
  const auto late = [&timeout] {
    return fail(Code::kDeadlineExceeded,
                fmt::format("the command did not end within {} s and was stopped", timeout.count()));
  };
  while (true) {
    auto entry = co_await open->stream->next();
    if (deadline.passed()) co_return late();
    if (sink->gone()) co_return fail(Code::kCancelled, "cancelled");
    if (!entry) co_return std::unexpected(entry.error());
    if (!*entry) break;
    v1::RunEvent event;
    event.set_line(valid_utf8((*entry)->text));
    const bool told = co_await sink->put(std::move(event));
    if (!told) co_return fail(Code::kCancelled, "cancelled");
  }
  // The log ends with the container, whose state follows.
  CO_TRY_ASSIGN(open->exit, co_await docker::open_wait(client_, id));
  if (deadline.passed()) co_return late();
  const Result<int> code = co_await docker::read_wait(client_, open->exit.get());
  if (!code && deadline.passed()) co_return late();
  co_return code;
}

}  // namespace paastech::pomegranate
