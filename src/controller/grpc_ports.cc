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
  rpc::ReadStream<engine::GroupEvent> events(stub_.async(), &Pomegranate::EnsureGroup, group);
  const Ending ending(stop, [&events] { events.cancel(); });
  Result<engine::GroupEvent> outcome = fail(Code::kInternal, "the engine ended the start without a result");
  while (true) {
    Result<std::optional<engine::GroupEvent>> event = co_await events.next();
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return outcome;
    if ((*event)->has_progress())
      on_line((*event)->progress());
    else
      outcome = std::move(**event);
  }
}

net::Task<Status> GrpcEngine::remove_group(engine::RemoveGroupRequest request) {
  const auto reply =
      co_await rpc::call<engine::RemoveGroupReply>(stub_.async(), &Pomegranate::RemoveGroup, request, kStopTime);
  co_return without_value(reply);
}

net::Task<Result<engine::BuildResult>> GrpcEngine::pull(engine::PullImageRequest request, OnLine on_line,
                                                        StopPtr stop) {
  rpc::ReadStream<engine::BuildEvent> events(stub_.async(), &Pomegranate::PullImage, request);
  const Ending ending(stop, [&events] { events.cancel(); });
  Result<engine::BuildResult> outcome = fail(Code::kInternal, "the engine ended the fetching without a result");
  while (true) {
    Result<std::optional<engine::BuildEvent>> event = co_await events.next();
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return outcome;
    if ((*event)->has_result())
      outcome = (*event)->result();
    else
      on_line((*event)->line());
  }
}

net::Task<Result<int>> GrpcEngine::run_once(engine::RunOnceRequest request, OnLine on_line, StopPtr stop) {
  rpc::ReadStream<engine::RunEvent> events(stub_.async(), &Pomegranate::RunOnce, request);
  const Ending ending(stop, [&events] { events.cancel(); });
  Result<int> outcome = fail(Code::kInternal, "the engine ended the command without a result");
  while (true) {
    Result<std::optional<engine::RunEvent>> event = co_await events.next();
    if (!event) co_return std::unexpected(event.error());
    if (!*event) co_return outcome;
    if ((*event)->has_line())
      on_line((*event)->line());
    else
      outcome = (*event)->exit_code();
  }
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
