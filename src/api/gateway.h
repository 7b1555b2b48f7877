#pragma once
// The gRPC service that the git role asks: whose key, may it, deploy this commit. See proto/gateway.proto.
// Thread: its calls run as coroutines on the TaskGroup's loop. The Context outlives the service.
#include <grpcpp/grpcpp.h>

#include <memory>

#include "api/context.h"

namespace paastech::api {

std::unique_ptr<grpc::Service> make_gateway(net::TaskGroup& tasks, Context& context);

}  // namespace paastech::api
