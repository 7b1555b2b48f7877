#pragma once
// How the roles of this process reach those of others, and are reached: in process, by unix sockets in <home>/run, or
// by TCP with mutual TLS, as [roles] of the configuration says. Never by plain TCP. Thread: the one that starts the
// daemon; look_after() any, and it blocks for some milliseconds.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "paastechd/config.h"
#include "paastechd/daemon.h"
#include "rpc/host.h"
#include "rpc/tls.h"

namespace paastech {

std::string role_name(DaemonRole role);

class Links {
 public:
  // Where api is among the roles: makes and renews the authority. Where a role alone has TCP to do: loads its
  // certificate. Failures as of rpc/authority.h and rpc/tls.h.
  static Result<Links> open(const Config& config, const std::set<DaemonRole>& roles);
  // Serves as role alone; of several roles in one process, to themselves only.
  Result<std::unique_ptr<rpc::Host>> host(const std::vector<grpc::Service*>& services) const;
  std::shared_ptr<grpc::Channel> channel_to(DaemonRole role) const;  // in another process
  // Renews what is due and warns of a certificate that nobody renews. Called at start and every few hours.
  Status look_after(std::int64_t now_ms) const;

 private:
  Links(const Config& config, std::set<DaemonRole> roles) : config_(config), roles_(std::move(roles)) {}
  std::filesystem::path certificates() const;
  std::filesystem::path socket(DaemonRole role) const;

  const Config& config_;
  std::set<DaemonRole> roles_;
  std::optional<rpc::TlsIdentity> identity_;  // where this process talks or listens on TCP
};

// `paastechd authority issue ROLE --out DIR`: the bundle for another host, and on standard output what to do with it.
Status issue_certificates(const Config& config, const std::string& role, const std::filesystem::path& out);

}  // namespace paastech
