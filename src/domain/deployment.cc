#include "domain/deployment.h"

#include <array>

namespace paastech {
namespace {

constexpr std::array<std::string_view, 8> kStates{"queued", "building",   "releasing", "starting",
                                                  "live",   "superseded", "failed",    "cancelled"};
constexpr std::array<std::string_view, 6> kCauses{"push", "image", "config", "rollback", "restart", "scale"};

template <class Enum, std::size_t N>
Result<Enum> from_text(const std::array<std::string_view, N>& names, std::string_view text, const char* what) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return static_cast<Enum>(i);
  std::string allowed;
  for (const std::string_view name : names) allowed.append(allowed.empty() ? "" : ", ").append(name);
  return fail(Code::kInvalidArgument, std::string("this is not ") + what, "it is one of " + allowed);
}

}  // namespace

std::string_view to_text(DeploymentState state) { return kStates.at(static_cast<std::size_t>(state)); }
std::string_view to_text(DeploymentCause cause) { return kCauses.at(static_cast<std::size_t>(cause)); }

Result<DeploymentState> deployment_state(std::string_view text) {
  return from_text<DeploymentState>(kStates, text, "a state of a deployment");
}

Result<DeploymentCause> deployment_cause(std::string_view text) {
  return from_text<DeploymentCause>(kCauses, text, "a cause of a deployment");
}

bool is_running(DeploymentState state) { return state <= DeploymentState::kStarting; }
bool is_final(DeploymentState state) { return state >= DeploymentState::kSuperseded; }

bool can_follow(DeploymentState from, DeploymentState to) {
  using enum DeploymentState;
  if (to == kFailed || to == kCancelled) return is_running(from);
  switch (from) {
    case kQueued: return to == kBuilding || to == kReleasing || to == kStarting;
    case kBuilding: return to == kReleasing || to == kStarting;
    case kReleasing: return to == kStarting;
    case kStarting: return to == kLive;
    case kLive: return to == kSuperseded;
    default: return false;
  }
}

}  // namespace paastech
