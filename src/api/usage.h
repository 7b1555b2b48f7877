#pragma once
// What a Client has of what its plan allows, for people and for the git role. Thread: the control-plane loop.
#include <boost/json.hpp>
#include <optional>
#include <string>

#include "api/context.h"
#include "domain/quota.h"

namespace paastech::api {

struct ClientUsage {
  Plan plan;
  Amounts used;
  std::string month;        // that of the build minutes
  bool disk_known = false;  // else the git role does not answer
};
net::Task<Result<ClientUsage>> client_usage(Context& context, std::string client_id);  // kNotFound

// How much a push to a Project of this owner may bring.
struct PushAllowance {
  std::int64_t bytes = 0;
  Error beyond = {};  // what to say of a larger one
};
// Nothing: its plan does not limit that. kPermissionDenied: there is no room at all. Pushes at the same time may each
// bring as much: check_disk() is for when they have come.
net::Task<Result<std::optional<PushAllowance>>> push_allowance(Context& context, std::string owner_id);

// Whether what that Client's repositories hold, with what pushes under way have brought, is within its plan.
// kPermissionDenied, as check_quota() says it; kUnavailable where the git role does not answer.
net::Task<Status> check_disk(Context& context, std::string owner_id);

// Whether the repository of a Project may become that Client's, beside its own. kPermissionDenied, as check_quota()
// says it; kUnavailable where the git role does not answer.
net::Task<Status> admit_repository(Context& context, std::string client_id, std::string project_id);

boost::json::object to_json(const Amounts& limits);  // of a plan
boost::json::object to_json(const ClientUsage& usage);

}  // namespace paastech::api
