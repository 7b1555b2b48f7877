#pragma once
// What the API stands on; made by the wiring, outlives HttpApi and the gateway. Thread: the control-plane loop.
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/secret.h"
#include "controller/controller.h"
#include "controller/database_access.h"
#include "controller/reports.h"
#include "domain/route.h"
#include "logs/deployment_log.h"
#include "net/task.h"

namespace paastech::controller {
class LogBook;
class MetricsCollector;
}  // namespace paastech::controller

namespace paastech::api {

namespace engine = paastech::pomegranate::v1;

struct ServiceInfo {
  std::string version;
  std::string ssh_fingerprint = {};  // known once the git role has its host key
  std::string home = {};             // the folder with all data of this role
};

class MailQueue;

enum class SignUp { kOpen, kInvite, kClosed };

struct AccountOptions {
  SignUp sign_up = SignUp::kInvite;
  bool administrators_need_second_factor = false;
};

// Requests a minute (base/rate_limit.h); 0: no limit. What a Service begins with says paastechd/config.h.
struct RequestRates {
  std::int64_t reads = 0;      // GET and HEAD of one Client
  std::int64_t changes = 0;    // all others of one Client
  std::int64_t anonymous = 0;  // of all kinds without a login, from one address
};

struct Context {
  net::TaskGroup& tasks;  // changes go on in it when their caller hangs up; joined after the HTTP server stopped
  controller::DatabaseAccess& database;
  controller::Controller& controller;
  controller::EngineReports& engine;
  const SecretBox& secrets;
  net::BlockingPool& hashing;  // 2 threads, for a hash takes 64 MiB (threat 32); through Auth, which bounds its queue
  const Clock& clock;
  const logs::DeploymentLog& log;
  controller::LogBook& book;  // what Instances and Deployments print
  PublicAddress address = {};
  ServiceInfo info = {};
  std::vector<controller::IngressReports*> ingresses = {};  // for /metrics
  AccountOptions accounts = {};
  CidrList trusted_proxy = {};                      // whose X-Forwarded-For is believed
  MailQueue* mails = nullptr;                       // null: this Service cannot send mail
  controller::MetricsCollector* metrics = nullptr;  // null, in tests: there are no figures
  RequestRates rates = {};
};

}  // namespace paastech::api
