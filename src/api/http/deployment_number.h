#pragma once
// What the routes that make, show and run Deployments share. Thread: the control-plane loop.
#include "api/route.h"
#include "api/views.h"

namespace paastech::api {

Result<std::int64_t> deployment_number(const Call& call);  // kNotFound where the path's part is no number
net::Task<Result<DeploymentView>> read_deployment(CallPtr call, std::int64_t number);
// One that the caller has just made.
boost::json::object new_deployment_json(Call& call, const store::DeploymentRow& row);
// What of the call's Project runs; at most 15 s.
net::Task<Result<engine::ListReply>> list_instances_of(CallPtr call);

}  // namespace paastech::api
