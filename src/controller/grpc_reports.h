#pragma once
// The reports by gRPC. The stubs outlive them.
#include "controller/reports.h"
#include "pomegranate.grpc.pb.h"
#include "router.grpc.pb.h"

namespace paastech::controller {

class GrpcEngineReports final : public EngineReports {
 public:
  explicit GrpcEngineReports(engine::Pomegranate::Stub& stub) : stub_(stub) {}
  net::Task<Result<engine::EngineDescription>> describe(std::chrono::milliseconds patience) override;
  net::Task<Result<engine::ListReply>> list(std::string project, std::chrono::milliseconds patience) override;
  net::Task<Result<engine::StatsReply>> stats(std::string project, std::chrono::milliseconds patience) override;

 private:
  engine::Pomegranate::Stub& stub_;
};

class GrpcIngressReports final : public IngressReports {
 public:
  explicit GrpcIngressReports(router::Router::Stub& stub) : stub_(stub) {}
  net::Task<Result<router::StatisticsReply>> statistics(std::chrono::milliseconds patience) override;

 private:
  router::Router::Stub& stub_;
};

}  // namespace paastech::controller
