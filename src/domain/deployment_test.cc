#include "domain/deployment.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace paastech {
namespace {

using enum DeploymentState;

const std::vector<DeploymentState> kAll{kQueued, kBuilding,   kReleasing, kStarting,
                                        kLive,   kSuperseded, kFailed,    kCancelled};

TEST(Deployment, TextsComeBackAsTheyWent) {
  for (const DeploymentState state : kAll) EXPECT_EQ(deployment_state(to_text(state)).value(), state);
  using enum DeploymentCause;
  for (const DeploymentCause cause : {kPush, kImage, kConfig, kRollback, kRestart, kScale})
    EXPECT_EQ(deployment_cause(to_text(cause)).value(), cause);
  EXPECT_EQ(to_text(kReleasing), "releasing");
  EXPECT_EQ(to_text(kScale), "scale");
  for (const char* other : {"", "Live", "lives", "push"})
    EXPECT_EQ(deployment_state(other).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(deployment_cause("live"));
}

TEST(Deployment, MovesOnlyForward) {
  const std::map<DeploymentState, std::set<DeploymentState>> allowed{
      {kQueued, {kBuilding, kReleasing, kStarting, kFailed, kCancelled}},
      {kBuilding, {kReleasing, kStarting, kFailed, kCancelled}},
      {kReleasing, {kStarting, kFailed, kCancelled}},
      {kStarting, {kLive, kFailed, kCancelled}},
      {kLive, {kSuperseded}}};
  for (const DeploymentState from : kAll)
    for (const DeploymentState to : kAll) {
      const bool expected = allowed.contains(from) && allowed.at(from).contains(to);
      EXPECT_EQ(can_follow(from, to), expected) << to_text(from) << " -> " << to_text(to);
    }
}

TEST(Deployment, IsRunningLiveOrFinal) {
  for (const DeploymentState state : kAll) {
    EXPECT_EQ(is_running(state), can_follow(state, kFailed)) << to_text(state);
    EXPECT_EQ(is_final(state), state != kLive && !is_running(state)) << to_text(state);
  }
}

}  // namespace
}  // namespace paastech
