#pragma once
// Which role may call which gRPC method of which other one, and the gate that holds TLS peers to it. What no rule names
// is denied. Calls in the same process and on a role's own unix socket do not pass the gate: there the peer is this
// Service's own user (file mode), and roles of one user could read each other's memory anyway.
// Thread: allowed() any; the gate runs on gRPC's threads and never blocks.
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <array>
#include <span>
#include <string_view>

namespace paastech::rpc {

inline constexpr std::array<std::string_view, 4> kRoles = {"api", "pomegranate", "git", "router"};
bool is_role(std::string_view name);

struct Rule {
  std::string_view method;                  // as in HTTP/2's :path
  std::array<std::string_view, 2> callers;  // roles; empty ones stand for nobody
};
std::span<const Rule> rules();
bool allowed(std::string_view role, std::string_view method);

// Denies every call on its port that allowed() does not let pass: PERMISSION_DENIED, before any handler is found. A
// peer whose certificate names no role is UNAUTHENTICATED.
class Gate final : public grpc::AuthMetadataProcessor {
 public:
  bool IsBlocking() const override { return false; }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override;
};

}  // namespace paastech::rpc
