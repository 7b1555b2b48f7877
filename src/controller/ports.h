#pragma once
// What the controller reaches: the other roles, by gRPC, and its own database and files. All outlive the controller.
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "controller/database_access.h"
#include "domain/route.h"
#include "logs/deployment_log.h"
#include "pomegranate.grpc.pb.h"
#include "repositories.grpc.pb.h"
#include "router.grpc.pb.h"

namespace paastech::controller {

namespace engine = paastech::pomegranate::v1;
namespace repos = paastech::repositories::v1;
namespace router = paastech::router::v1;

struct Ports {
  DatabaseAccess& database;
  engine::Pomegranate::Stub& pomegranate;
  repos::Repositories::Stub& repositories;
  std::vector<router::Router::Stub*> routers;
  const SecretBox& secrets;
  const logs::DeploymentLog& log;
  const Clock& clock;
  PublicAddress address;
};

// Why a Deployment of a Client whose account an administrator suspended goes no further.
inline constexpr std::string_view kOwnerSuspended = "the account of the project's owner is suspended";

struct ControllerOptions {
  int builds = 2;  // at once on the whole Service
  int builds_per_client = 1;
  std::int64_t build_timeout_s = 900;
  std::int64_t build_memory_bytes = 1LL << 30;  // memory and swap together
  int kept_images = 5;                          // of the last Deployments beside the current one
};

}  // namespace paastech::controller
