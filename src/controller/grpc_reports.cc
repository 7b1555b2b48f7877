#include "controller/grpc_reports.h"

#include "rpc/client.h"

namespace paastech::controller {

using Engine = class engine::Pomegranate::Stub::async;
using Router = class router::Router::Stub::async;

net::Task<Result<engine::EngineDescription>> GrpcEngineReports::describe(std::chrono::milliseconds patience) {
  const engine::DescribeRequest request;
  auto reply = co_await rpc::call<engine::EngineDescription>(stub_.async(), &Engine::Describe, request, patience);
  co_return reply;
}

net::Task<Result<engine::ListReply>> GrpcEngineReports::list(std::string project, std::chrono::milliseconds patience) {
  engine::ListRequest request;
  request.set_project(std::move(project));
  auto reply = co_await rpc::call<engine::ListReply>(stub_.async(), &Engine::List, request, patience);
  co_return reply;
}

net::Task<Result<engine::StatsReply>> GrpcEngineReports::stats(std::string project,
                                                               std::chrono::milliseconds patience) {
  engine::StatsRequest request;
  request.set_project(std::move(project));
  auto reply = co_await rpc::call<engine::StatsReply>(stub_.async(), &Engine::Stats, request, patience);
  co_return reply;
}

net::Task<Result<router::StatisticsReply>> GrpcIngressReports::statistics(std::chrono::milliseconds patience) {
  const router::StatisticsRequest request;
  auto reply = co_await rpc::call<router::StatisticsReply>(stub_.async(), &Router::Statistics, request, patience);
  co_return reply;
}

}  // namespace paastech::controller
