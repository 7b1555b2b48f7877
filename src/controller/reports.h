#pragma once
// What the Engine and the ingresses tell of the present, for the API and the metrics. Interfaces that grpc_reports.h
// fills, so that who asks sees the messages of the contracts, and not the generated code of their calls, which costs
// every file that has it seconds. Thread: the control-plane loop. Errors are those of the contracts in proto/;
// kUnavailable: the other side does not answer within `patience`.
#include <chrono>

#include "net/task.h"
#include "pomegranate.pb.h"
#include "router.pb.h"

namespace paastech::controller {

namespace engine = paastech::pomegranate::v1;
namespace router = paastech::router::v1;

class EngineReports {
 public:
  virtual ~EngineReports() = default;
  virtual net::Task<Result<engine::EngineDescription>> describe(std::chrono::milliseconds patience) = 0;
  // project: a uuid, or empty for all of the Service.
  virtual net::Task<Result<engine::ListReply>> list(std::string project, std::chrono::milliseconds patience) = 0;
  virtual net::Task<Result<engine::StatsReply>> stats(std::string project, std::chrono::milliseconds patience) = 0;
};

class IngressReports {
 public:
  virtual ~IngressReports() = default;
  virtual net::Task<Result<router::StatisticsReply>> statistics(std::chrono::milliseconds patience) = 0;
};

}  // namespace paastech::controller
