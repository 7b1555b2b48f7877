#include "domain/plan.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

DesiredProject live(std::int64_t number) { return {"p", number, {{"web", 1}}, {}}; }
ObservedInstance web(std::int64_t number, std::string state = "running", int index = 0) {
  return {"p", number, "web", index, std::move(state), "10.0.0.2", 80};
}

TEST(Plan, DoesNothingWhereAllIsAsItShouldBe) {
  const ProjectPlan plan = plan_project(live(3), {web(3)});
  EXPECT_FALSE(plan.start_missing);
  EXPECT_TRUE(plan.remove.empty());
  ASSERT_EQ(plan.routable.size(), 1u);
}

TEST(Plan, StartsWhatIsMissingOrExited) {
  EXPECT_TRUE(plan_project(live(3), {}).start_missing);
  const ProjectPlan plan = plan_project(live(3), {web(3, "exited")});
  EXPECT_TRUE(plan.start_missing);
  EXPECT_TRUE(plan.routable.empty());
}

TEST(Plan, LeavesARestartingInstanceToTheEngineAndRoutesNothingToIt) {
  const ProjectPlan plan = plan_project(live(3), {web(3, "restarting")});
  EXPECT_FALSE(plan.start_missing);
  EXPECT_TRUE(plan.routable.empty());
}

TEST(Plan, RemovesOldDeploymentsButNotOneOnItsWay) {
  DesiredProject desired = live(3);
  desired.in_progress = {5};
  const ProjectPlan plan = plan_project(desired, {web(2), web(3), web(4), web(5)});
  EXPECT_EQ(plan.remove, (std::set<std::int64_t>{2, 4}));
  ASSERT_EQ(plan.routable.size(), 1u);
  EXPECT_EQ(plan.routable[0].deployment, 3);
}

TEST(Plan, RemovesEverythingOfAStoppedApplication) {
  const ProjectPlan plan = plan_project({"p", 0, {}, {}}, {web(3)});
  EXPECT_EQ(plan.remove, (std::set<std::int64_t>{3}));
  EXPECT_TRUE(plan.routable.empty());
  EXPECT_FALSE(plan.start_missing);
}

TEST(Plan, NeverTouchesAnotherProjectsInstances) {
  ObservedInstance foreign = web(1);
  foreign.project = "q";
  const ProjectPlan plan = plan_project(live(3), {web(3), foreign});
  EXPECT_TRUE(plan.remove.empty());
  EXPECT_EQ(plan.routable.size(), 1u);
}

}  // namespace
}  // namespace paastech
