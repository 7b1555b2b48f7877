#pragma once
// Hosts a role's gRPC services: in this process only, or on a unix socket as well, or on a TCP port with mutual TLS
// too, with the standard health service (grpc.health.v1) and server reflection. Nothing is ever served on TCP without
// TLS. Thread: construct, stop and destroy on one thread; calls run on gRPC's.
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace paastech::rpc {

class TlsIdentity;

struct Tcp {
  std::string address;                    // host:port; empty: no TCP
  const TlsIdentity* identity = nullptr;  // needed by an address
};

class Host {
 public:
  // The services are borrowed and must outlive the host. The socket gets mode 0600, so that only this user reaches it;
  // an empty path and no address: reachable by channel() alone. kUnavailable where the socket cannot be made or the
  // port is taken.
  static Result<std::unique_ptr<Host>> start(const std::vector<grpc::Service*>& services,
                                             const std::filesystem::path& socket, const Tcp& tcp = {});
  ~Host();
  std::shared_ptr<grpc::Channel> channel() const;  // in-process: no port, no serialised hop through the kernel
  int port() const { return port_; }               // of the address, 0 without one
  void stop();                                     // running calls are cancelled after a second

 private:
  Host(std::unique_ptr<grpc::Server> server, int port) : server_(std::move(server)), port_(port) {}
  std::unique_ptr<grpc::Server> server_;
  int port_;
};

// What every channel has: the size of messages, quick reconnection.
grpc::ChannelArguments channel_arguments();
// A host that vanished without a word is noticed within 40 s; without this a call that only listens would wait for
// ever.
void set_keepalive(grpc::ChannelArguments& arguments);

// A channel to a role in another process on this host. Connects when first used, and again after a loss, within a
// second.
std::shared_ptr<grpc::Channel> unix_channel(const std::filesystem::path& socket);

}  // namespace paastech::rpc
