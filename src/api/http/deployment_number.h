#pragma once
// What the routes under /deployments/{number} share. Thread: the control-plane loop.
#include "api/route.h"
#include "api/views.h"

namespace paastech::api {

Result<std::int64_t> deployment_number(const Call& call);  // kNotFound where the path's part is no number
net::Task<Result<DeploymentView>> read_deployment(CallPtr call, std::int64_t number);

}  // namespace paastech::api
