#include "controller/grpc_ports.h"

#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

using Pomegranate = class engine::Pomegranate::Stub::async;
using Repositories = class repos::Repositories::Stub::async;
using Router = class router::Router::Stub::async;

constexpr auto kStopTime = 330s;  // the longest grace is 300 s (domain/process.h)

template <class T>
Status without_value(const Result<T>& reply) {
  if (!reply) return std::unexpected(reply.error());
  return {};
}

// Reads a stream to its end. take: what one message is of the outcome, if anything; the rest goes to a Client's eyes.
template <class Outcome, class Message>
net::Task<Result<Outcome>> outcome_of(std::shared_ptr<rpc::ReadStream<Message>> events, StopPtr stop, std::string what,
                                      std::function<std::optional<Outcome>(Message&)> take) {
  const Ending ending(stop, [events] { events->cancel(); });
  Result<Outcome> outcome = fail(Code::kInternal, "the engine ended the " + what + " without a result");
  while (true) {
    Result<std::optional<Message>> event = co_await events->next();
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return outcome;
    if (std::optional<Outcome> last = take(**event)) outcome = std::move(*last);
  }
}

}  // namespace

net::Task<Result<engine::EngineDescription>> GrpcEngine::describe() {
  const engine::DescribeRequest request;
  auto reply = co_await rpc::call<engine::EngineDescription>(stub_.async(), &Pomegranate::Describe, request, 10s);
  co_return reply;
}

net::Task<Result<std::vector<engine::Instance>>> GrpcEngine::list(std::string project) {
  engine::ListRequest request;
  request.set_project(std::move(project));
  CO_TRY_ASSIGN(engine::ListReply reply,
                co_await rpc::call<engine::ListReply>(stub_.async(), &Pomegranate::List, request, 30s));
  co_return std::vector<engine::Instance>(std::make_move_iterator(reply.mutable_instances()->begin()),
                                          std::make_move_iterator(reply.mutable_instances()->end()));
}

net::Task<Result<engine::GroupEvent>> GrpcEngine::ensure_group(engine::InstanceGroup group, OnLine on_line,
                                                               StopPtr stop) {
  auto events = std::make_shared<rpc::ReadStream<engine::GroupEvent>>(stub_.async(), &Pomegranate::EnsureGroup, group);
  std::function<std::optional<engine::GroupEvent>(engine::GroupEvent&)> take =
      [on_line](engine::GroupEvent& event) -> std::optional<engine::GroupEvent> {
    if (!event.has_progress()) return std::move(event);
    on_line(event.progress());
    return std::nullopt;
  };
  auto outcome = co_await outcome_of(std::move(events), stop, "start", std::move(take));
  co_return outcome;
}

net::Task<Status> GrpcEngine::remove_group(engine::RemoveGroupRequest request) {
  const auto reply =
      co_await rpc::call<engine::RemoveGroupReply>(stub_.async(), &Pomegranate::RemoveGroup, request, kStopTime);
  co_return without_value(reply);
}

net::Task<Result<engine::BuildResult>> GrpcEngine::pull(engine::PullImageRequest request, OnLine on_line,
                                                        StopPtr stop) {
  auto events = std::make_shared<rpc::ReadStream<engine::BuildEvent>>(stub_.async(), &Pomegranate::PullImage, request);
  std::function<std::optional<engine::BuildResult>(engine::BuildEvent&)> take =
      [on_line](engine::BuildEvent& event) -> std::optional<engine::BuildResult> {
    if (event.has_result()) return event.result();
    on_line(event.line());
    return std::nullopt;
  };
  auto outcome = co_await outcome_of(std::move(events), stop, "fetching", std::move(take));
  co_return outcome;
}

net::Task<Result<int>> GrpcEngine::run_once(engine::RunOnceRequest request, OnLine on_line, StopPtr stop) {
  auto events = std::make_shared<rpc::ReadStream<engine::RunEvent>>(stub_.async(), &Pomegranate::RunOnce, request);
  std::function<std::optional<int>(engine::RunEvent&)> take = [on_line](engine::RunEvent& event) -> std::optional<int> {
    if (!event.has_line()) return event.exit_code();
    on_line(event.line());
    return std::nullopt;
  };
  auto outcome = co_await outcome_of(std::move(events), stop, "command", std::move(take));
  co_return outcome;
}

net::Task<Status> GrpcEngine::watch(OnEvent on_event) {
  const engine::WatchRequest everything;
  rpc::ReadStream<engine::InstanceEvent> events(stub_.async(), &Pomegranate::Watch, everything);
  while (true) {
    Result<std::optional<engine::InstanceEvent>> event = co_await events.next();
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return Status{};
    on_event(**event);
  }
}

net::Task<Result<engine::ProbeReply>> GrpcEngine::probe(engine::ProbeRequest request) {
  const auto patience = std::chrono::seconds(request.probe().timeout_seconds()) + 10s;
  auto reply = co_await rpc::call<engine::ProbeReply>(stub_.async(), &Pomegranate::ProbeInstance, request, patience);
  co_return reply;
}

net::Task<Status> GrpcEngine::hold(engine::InstanceRequest instance) {
  const auto reply =
      co_await rpc::call<engine::InstanceReply>(stub_.async(), &Pomegranate::HoldInstance, instance, 30s);
  co_return without_value(reply);
}

net::Task<Status> GrpcEngine::stop_instance(engine::InstanceRequest instance) {
  const auto reply =
      co_await rpc::call<engine::InstanceReply>(stub_.async(), &Pomegranate::StopInstance, instance, kStopTime);
  co_return without_value(reply);
}

net::Task<Result<engine::ListImagesReply>> GrpcEngine::list_images(std::string project) {
  engine::ListImagesRequest request;
  request.set_project(std::move(project));
  auto reply = co_await rpc::call<engine::ListImagesReply>(stub_.async(), &Pomegranate::ListImages, request, 30s);
  co_return reply;
}

net::Task<Status> GrpcEngine::remove_image(std::string reference) {
  engine::RemoveImageRequest request;
  request.set_reference(std::move(reference));
  const auto reply =
      co_await rpc::call<engine::RemoveImageReply>(stub_.async(), &Pomegranate::RemoveImage, request, 60s);
  co_return without_value(reply);
}

net::Task<Result<engine::PruneBuildsReply>> GrpcEngine::prune_builds(std::int64_t keep_bytes) {
  engine::PruneBuildsRequest request;
  request.set_keep_bytes(keep_bytes);
  auto reply = co_await rpc::call<engine::PruneBuildsReply>(stub_.async(), &Pomegranate::PruneBuilds, request, 300s);
  co_return reply;
}

net::Task<Result<engine::RemoveProjectReply>> GrpcEngine::remove_project(std::string project, bool volumes) {
  engine::RemoveProjectRequest request;
  request.set_project(std::move(project));
  request.set_volumes(volumes);
  auto reply =
      co_await rpc::call<engine::RemoveProjectReply>(stub_.async(), &Pomegranate::RemoveProject, request, 120s);
  co_return reply;
}

net::Task<Status> GrpcRepositories::create(std::string project) {
  repos::CreateRequest request;
  request.set_project_id(std::move(project));
  request.set_default_branch("main");
  const auto reply = co_await rpc::call<repos::CreateReply>(stub_.async(), &Repositories::Create, request, 30s);
  co_return without_value(reply);
}

net::Task<Status> GrpcRepositories::remove(std::string project) {
  repos::RemoveRequest request;
  request.set_project_id(std::move(project));
  const auto reply = co_await rpc::call<repos::RemoveReply>(stub_.async(), &Repositories::Remove, request, 60s);
  co_return without_value(reply);
}

net::Task<Result<repos::ReadFilesReply>> GrpcRepositories::read_files(repos::ReadFilesRequest request) {
  auto reply = co_await rpc::call<repos::ReadFilesReply>(stub_.async(), &Repositories::ReadFiles, request, 30s);
  co_return reply;
}

net::Task<Result<std::int64_t>> GrpcRepositories::bytes(std::vector<std::string> projects) {
  repos::SizeRequest request;
  for (std::string& id : projects) request.add_project_ids(std::move(id));
  CO_TRY_ASSIGN(const repos::SizeReply reply,
                co_await rpc::call<repos::SizeReply>(stub_.async(), &Repositories::Size, request, 10s));
  co_return reply.bytes();
}

net::Task<Status> GrpcIngress::publish(router::RouteTable table) {
  const auto reply = co_await rpc::call<router::PublishReply>(stub_.async(), &Router::Publish, table, 10s);
  co_return without_value(reply);
}

net::Task<Result<router::DrainReply>> GrpcIngress::drain(router::DrainRequest request) {
  const auto patience = std::chrono::milliseconds(request.timeout_ms()) + 10s;
  auto reply = co_await rpc::call<router::DrainReply>(stub_.async(), &Router::Drain, request, patience);
  co_return reply;
}

net::Task<Result<std::int64_t>> GrpcIngress::table_version() {
  const router::StatisticsRequest question;
  CO_TRY_ASSIGN(const router::StatisticsReply reply,
                co_await rpc::call<router::StatisticsReply>(stub_.async(), &Router::Statistics, question, 5s));
  co_return reply.table_version();
}

}  // namespace paastech::controller
