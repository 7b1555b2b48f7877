#include "domain/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paastech {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DesiredProject live(std::int64_t number, int count = 1) { return {"p", {{{number, "web"}, count}}}; }
ObservedInstance web(std::int64_t number, std::string state = "running", int index = 0) {
  return {"p", number, "web", index, std::move(state), "10.0.0.2", 80};
}
ObservedInstance worker(std::int64_t number, int index = 0) {
  return {"p", number, "worker", index, "running", "10.0.0.3", 0};
}

auto starts(const GroupKey& key, const std::set<int>& indexes) { return ElementsAre(std::pair(key, indexes)); }

TEST(Plan, DoesNothingWhereAllIsAsItShouldBe) {
  const ProjectPlan plan = plan_project(live(3), {web(3)});
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_THAT(plan.routable, SizeIs(1));
}

TEST(Plan, StartsWhatIsMissingOrExited) {
  EXPECT_THAT(plan_project(live(3), {}).start, starts({3, "web"}, {0}));
  const ProjectPlan plan = plan_project(live(3), {web(3, "exited")});
  EXPECT_THAT(plan.start, starts({3, "web"}, {0}));
  EXPECT_THAT(plan.routable, IsEmpty());
}

TEST(Plan, LeavesARestartingInstanceToTheEngineAndRoutesNothingToIt) {
  const ProjectPlan plan = plan_project(live(3), {web(3, "restarting")});
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.routable, IsEmpty());
}

TEST(Plan, RemovesOldDeploymentsButNotOneOnItsWay) {
  DesiredProject desired = live(3);
  desired.in_progress = {5};
  const ProjectPlan plan = plan_project(desired, {web(2), web(3), web(4), web(5)});
  EXPECT_THAT(plan.remove, ElementsAre(Surplus{2}, Surplus{4}));
  ASSERT_THAT(plan.routable, SizeIs(1));
  EXPECT_EQ(plan.routable[0].deployment, 3);
}

TEST(Plan, RemovesEverythingOfAStoppedApplication) {
  const ProjectPlan plan = plan_project({"p"}, {web(3)});
  EXPECT_THAT(plan.remove, ElementsAre(Surplus{3}));
  EXPECT_THAT(plan.routable, IsEmpty());
  EXPECT_THAT(plan.start, IsEmpty());
}

TEST(Plan, NeverTouchesAnotherProjectsInstances) {
  ObservedInstance foreign = web(1);
  foreign.project = "q";
  const ProjectPlan plan = plan_project(live(3), {web(3), foreign});
  EXPECT_THAT(plan.remove, IsEmpty());
  EXPECT_THAT(plan.routable, SizeIs(1));
}

TEST(Plan, ASecondInstanceIsStartedAndOneTooManyRemoved) {
  EXPECT_THAT(plan_project(live(3, 2), {web(3)}).start, starts({3, "web"}, {1}));
  const ProjectPlan plan = plan_project(live(3, 2), {web(3), web(3, "running", 1), web(3, "running", 2), worker(3)});
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.remove, ElementsAre(Surplus{3, "web", 2}, Surplus{3, "worker", 0}));
  EXPECT_THAT(plan.routable, SizeIs(2));
}

TEST(Plan, ProcessesOfOneDeploymentMayRunWhatAnEarlierOneStarted) {
  DesiredProject desired{"p", {{{3, "worker"}, 1}, {{5, "web"}, 1}}};
  const ProjectPlan plan = plan_project(desired, {web(3), worker(3), web(5)});
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.remove, ElementsAre(Surplus{3, "web", 0}));
}

TEST(Plan, OneThatWaitsAfterACrashIsNeitherMissingNorRouted) {
  DesiredProject desired = live(3);
  desired.waiting = {{3, "web", 0}};
  EXPECT_THAT(plan_project(desired, {web(3, "exited")}).start, IsEmpty());
  EXPECT_THAT(plan_project(desired, {web(3)}).routable, IsEmpty());
}

TEST(Plan, OneThatWasNotSeenWellSinceItsCrashIsLookedAtBeforeItIsRouted) {
  DesiredProject desired = live(3);
  desired.unverified = {{3, "web", 0}};
  const ProjectPlan plan = plan_project(desired, {web(3)});
  EXPECT_THAT(plan.start, starts({3, "web"}, {0}));
  EXPECT_THAT(plan.routable, IsEmpty());
}

TEST(Plan, OneThatWasNeverSeenReadyIsLookedAtAndRoutedOnlyWhereThereIsNoOther) {
  ObservedInstance fresh = web(3, "running", 1);
  fresh.kept = false;
  const ProjectPlan both = plan_project(live(3, 2), {web(3), fresh});
  EXPECT_THAT(both.start, starts({3, "web"}, {1}));
  EXPECT_THAT(both.routable, SizeIs(1));
  EXPECT_THAT(plan_project(live(3, 2), {fresh}).routable, SizeIs(1));
}

TEST(Plan, OneOnItsWayServesWhereNoneOfTheLiveOneIsReady) {
  DesiredProject desired = live(3);
  desired.in_progress = {4};
  ObservedInstance fresh = web(3);
  fresh.kept = false;
  ObservedInstance starting = web(4, "running", 1);
  starting.kept = false;
  const auto numbers = [](const ProjectPlan& plan) {
    std::vector<std::int64_t> out;
    for (const ObservedInstance& one : plan.routable) out.push_back(one.deployment);
    return out;
  };
  EXPECT_THAT(numbers(plan_project(desired, {web(3), web(4)})), ElementsAre(3));
  EXPECT_THAT(numbers(plan_project(desired, {fresh, web(4), starting})), ElementsAre(4));
  EXPECT_THAT(numbers(plan_project(desired, {web(4)})), ElementsAre(4));
  EXPECT_THAT(numbers(plan_project(desired, {fresh, starting})), ElementsAre(3));
  desired.drained = {4};
  EXPECT_THAT(numbers(plan_project(desired, {fresh, web(4)})), ElementsAre(3));
  desired.in_progress = desired.drained = {};  // given up: it goes, but not before
  EXPECT_THAT(numbers(plan_project(desired, {fresh, web(4)})), ElementsAre(4));
  desired.groups = {};  // stopped
  EXPECT_THAT(numbers(plan_project(desired, {web(4)})), IsEmpty());
}

TEST(Plan, ADeploymentRunsItsOwnGroupsButForThoseItTookOver) {
  ProcessList list;
  list.processes = {{"web", {}}, {"worker", {}}, {"idle", {}}};
  list.processes["worker"].group = 3;
  list.processes["worker"].count = 2;
  list.processes["idle"].count = 0;
  EXPECT_THAT(groups_of(7, list), ElementsAre(std::pair(GroupKey{3, "worker"}, 2), std::pair(GroupKey{7, "web"}, 1)));
}

}  // namespace
}  // namespace paastech
