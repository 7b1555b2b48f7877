#pragma once
// gRPC status ↔ Result. A hint travels behind a blank line in the status message.
#include <grpcpp/support/status.h>

#include "base/result.h"

namespace paastech::rpc {

grpc::Status to_grpc(const Error& error);
grpc::Status to_grpc(const Status& status);
Error from_grpc(const grpc::Status& status);
// What a call that ended by an exception is answered: kUnavailable where it was cancelled because the Service stops,
// else kInternal, for it is a bug.
Error from_exception(const std::exception& failure);

}  // namespace paastech::rpc
