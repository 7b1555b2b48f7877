#pragma once
// What the API stands on; made by the wiring, outlives HttpApi and the gateway. Thread: the control-plane loop.
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "controller/controller.h"
#include "controller/database_access.h"
#include "domain/route.h"
#include "logs/deployment_log.h"
#include "net/task.h"
#include "pomegranate.grpc.pb.h"
#include "router.grpc.pb.h"

namespace paastech::api {

namespace engine = paastech::pomegranate::v1;

struct ServiceInfo {
  std::string version;
  std::string ssh_fingerprint = {};  // known once the git role has its host key
};

struct Context {
  net::TaskGroup& tasks;  // changes go on in it when their caller hangs up; joined after the HTTP server stopped
  controller::DatabaseAccess& database;
  controller::Controller& controller;
  engine::Pomegranate::Stub& pomegranate;
  const SecretBox& secrets;
  net::BlockingPool& hashing;  // bounded to 2 threads: a hash takes 64 MiB (threat 32)
  const Clock& clock;
  const logs::DeploymentLog& log;
  PublicAddress address = {};
  ServiceInfo info = {};
  std::vector<paastech::router::v1::Router::Stub*> routers = {};  // for /metrics
};

}  // namespace paastech::api
