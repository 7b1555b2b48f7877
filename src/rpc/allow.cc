#include "rpc/allow.h"

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "rpc/certificate.h"
#include "rpc/status.h"

namespace paastech::rpc {
namespace {

constexpr std::array<std::string_view, 2> kApi = {"api"};
constexpr std::array<std::string_view, 2> kGit = {"git"};
constexpr std::array<std::string_view, 2> kCallers = {"api", "git"};  // router and pomegranate call nobody

constexpr std::size_t kShown = 200;  // bytes of a denied path in the log and the answer

// A method added to proto/ needs its line here; allow_test.cc fails without it.
constexpr Rule kRules[] = {
    {"/paastech.gateway.v1.GitGateway/IdentifyKey", kGit},
    {"/paastech.gateway.v1.GitGateway/Authorize", kGit},
    {"/paastech.gateway.v1.GitGateway/Deploy", kGit},
    {"/paastech.repositories.v1.Repositories/Create", kApi},
    {"/paastech.repositories.v1.Repositories/Remove", kApi},
    {"/paastech.repositories.v1.Repositories/ReadFiles", kApi},
    {"/paastech.repositories.v1.Repositories/Archive", kApi},
    {"/paastech.repositories.v1.Repositories/Size", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Describe", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Build", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/EnsureGroup", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/RemoveGroup", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/ProbeInstance", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/HoldInstance", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/StartInstance", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/StopInstance", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/List", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Watch", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Logs", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Gather", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/Stats", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/RunOnce", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/PullImage", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/PruneBuilds", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/ListImages", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/RemoveImage", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/EnsureVolume", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/ListVolumes", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/RemoveVolume", kApi},
    {"/paastech.pomegranate.v1.Pomegranate/RemoveProject", kApi},
    {"/paastech.router.v1.Router/Publish", kApi},
    {"/paastech.router.v1.Router/Drain", kApi},
    {"/paastech.router.v1.Router/Statistics", kApi},
    // Whoever has calls to make may ask whether the other end is well. Server reflection has no rule: unix socket only.
    {"/grpc.health.v1.Health/Check", kCallers},
};

std::string_view view(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// The one role that the peer's verified certificate names, or nothing.
std::string_view role_of(const grpc::AuthContext& context) {
  std::string_view role;
  for (const grpc::string_ref& uri : context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME))
    for (const std::string_view each : kRoles) {
      if (view(uri) != role_uri(each)) continue;
      if (!role.empty()) return {};
      role = each;
    }
  return role;
}

}  // namespace

bool is_role(std::string_view name) { return std::ranges::find(kRoles, name) != kRoles.end(); }

std::span<const Rule> rules() { return kRules; }

bool allowed(std::string_view role, std::string_view method) {
  if (!is_role(role)) return false;
  const auto rule = std::ranges::find(kRules, method, &Rule::method);
  return rule != std::end(kRules) && std::ranges::find(rule->callers, role) != rule->callers.end();
}

grpc::Status Gate::Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                           OutputMetadata*) {
  const auto path = metadata.find(":path");
  const std::string_view method = path == metadata.end() ? std::string_view() : view(path->second);
  const std::string_view role = role_of(*context);
  if (allowed(role, method)) return grpc::Status::OK;
  if (role.empty()) {
    spdlog::warn("rpc: a caller was refused, for its certificate names no role");
    return to_grpc(Error{Code::kUnauthenticated, "the certificate of the caller names no role of this Service",
                         "issue one with `paastechd authority issue ROLE --out DIR`"});
  }
  spdlog::warn("rpc: the role {} was refused the call {}", role, method.substr(0, kShown));
  return to_grpc(Error{Code::kPermissionDenied,
                       fmt::format("the role {} may not call {} here", role, method.substr(0, kShown)),
                       "check that `roles` of the configuration names the right address for each role"});
}

}  // namespace paastech::rpc
