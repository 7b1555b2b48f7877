#pragma once
// The git role: an SSH server (libssh) that takes pushes and serves fetches of the Projects' bare repositories, the
// answer to their pre-receive hooks, and the gRPC service Repositories. It has no database and no Docker: gateway.proto
// is all it knows of Clients and Deployments. A thread per session, bounded. Thread: created, started and stopped by
// its owner.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "gateway.grpc.pb.h"

namespace paastech::git {

struct GitOptions {
  std::filesystem::path repositories;  // <home>/repositories, mode 0700
  std::filesystem::path host_key;      // <home>/ssh_host_ed25519_key, mode 0600, made at first start
  std::filesystem::path hook_socket;   // <home>/run/hook.sock; at most 107 bytes
  std::filesystem::path hooks_folder;  // <home>/run/hooks: holds pre-receive, a link to hook_program
  std::filesystem::path hook_program;  // the paastech-hook executable
  std::string address = "0.0.0.0";
  std::uint16_t port = 2222;  // 0: any free one
  std::int64_t max_push_bytes = 512LL << 20;
  std::chrono::seconds push_timeout{1800};  // for taking in the objects; a Deployment has its own limits
  int max_sessions = 64;                    // authenticated ones; as many again may be logging in
};

class GitServer {
 public:
  // Makes the folders and the host key; does not listen yet. kFailedPrecondition names what is wrong with which path.
  static Result<std::unique_ptr<GitServer>> create(GitOptions options);
  virtual ~GitServer() = default;

  virtual grpc::Service&
  repositories() = 0;  // usable before listen; its gRPC server is shut down before this one is destroyed
  // kFailedPrecondition: the port is taken, or the address is not of this machine.
  virtual Status listen(std::shared_ptr<gateway::v1::GitGateway::Stub> gateway) = 0;
  virtual std::uint16_t port() const = 0;
  virtual std::string fingerprint() const = 0;  // of the host key, "SHA256:…"
  // Ends all sessions; a push in its Deployment is rejected, the Deployment goes on in api. Idempotent.
  virtual void stop() = 0;
};

}  // namespace paastech::git
