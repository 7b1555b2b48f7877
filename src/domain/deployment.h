#pragma once
// A Deployment's states and its immutable record. Pure values.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech {

enum class DeploymentState { kQueued, kBuilding, kReleasing, kStarting, kLive, kSuperseded, kFailed, kCancelled };
enum class DeploymentCause { kPush, kImage, kConfig, kRollback, kRestart, kScale };

std::string_view to_text(DeploymentState state);  // "queued"
std::string_view to_text(DeploymentCause cause);  // "push"
Result<DeploymentState> deployment_state(std::string_view text);
Result<DeploymentCause> deployment_cause(std::string_view text);
// queued → building → releasing → starting → live → superseded, where building and releasing may be skipped; failed and
// cancelled follow any of the first four.
bool can_follow(DeploymentState from, DeploymentState to);
bool is_final(DeploymentState state);    // superseded, failed, cancelled
bool is_running(DeploymentState state);  // queued … starting: the controller works on it

}  // namespace paastech
