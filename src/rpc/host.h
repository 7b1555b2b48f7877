#pragma once
// Hosts a role's gRPC services: in this process only, or on a unix socket as well, with the standard health service
// (grpc.health.v1) and server reflection. Thread: construct, stop and destroy on one thread; calls run on gRPC's.
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"

namespace paastech::rpc {

class Host {
 public:
  // The services are borrowed and must outlive the host. An empty socket path: reachable by channel() alone.
  // kUnavailable where the socket cannot be made.
  static Result<std::unique_ptr<Host>> start(const std::vector<grpc::Service*>& services,
                                             const std::filesystem::path& socket);
  ~Host();
  std::shared_ptr<grpc::Channel> channel() const;  // in-process: no port, no serialised hop through the kernel
  void stop();                                     // running calls are cancelled after a second

 private:
  explicit Host(std::unique_ptr<grpc::Server> server) : server_(std::move(server)) {}
  std::unique_ptr<grpc::Server> server_;
};

// A channel to a role in another process on this host. Connects when first used, and again after a loss, within a
// second.
std::shared_ptr<grpc::Channel> unix_channel(const std::filesystem::path& socket);

}  // namespace paastech::rpc
