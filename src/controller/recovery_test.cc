#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

struct RecoveryTest : ControllerTest {
  // Deployment 1 is live and runs, as an earlier process left it.
  void leave_live() {
    leave_row(DeploymentCause::kPush, DeploymentState::kLive, "paastech/x:1");
    engine_.add_instance(project_.id, 1);
  }
};

TEST_F(RecoveryTest, AnInterruptedPushFailsAndTheOldGoesOnServing) {
  leave_live();
  leave_row(DeploymentCause::kPush, DeploymentState::kStarting, "paastech/x:2");
  engine_.add_instance(project_.id, 2);
  start_process();
  const store::DeploymentRow row = end_of(2);
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "interrupted");
  EXPECT_THAT(row.message, HasSubstr("push again"));
  EXPECT_THAT(output(2), HasSubstr("==> Failed: the Service was restarted"));
  EXPECT_TRUE(eventually([&] { return running() == Numbers{1}; }));
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
  EXPECT_EQ(journal_.count("ensure 1"), 0);  // the Instance was left alone
}

TEST_F(RecoveryTest, AnInterruptedConfigChangeIsResumedWhereverItWas) {
  for (const DeploymentState state : {DeploymentState::kQueued, DeploymentState::kStarting}) {
    SCOPED_TRACE(to_text(state));
    project_ = database_.add_project("shop-" + std::string(to_text(state)), owner_.id);
    leave_live();
    leave_row(DeploymentCause::kConfig, state, "paastech/x:1");
    start_process();
    EXPECT_EQ(end_of(2).state, DeploymentState::kLive);
    EXPECT_EQ(engine_.group(2).image(), "paastech/x:1");
    EXPECT_EQ(engine_.variable(2, "COLOUR"), "left");
    EXPECT_TRUE(eventually([&] { return running() == Numbers{2}; }));
    stop_process();
  }
}

TEST_F(RecoveryTest, ResumedOnesRunInTheOrderOfTheirNumbersWhateverTheClockSaid) {
  leave_live();
  leave_row(DeploymentCause::kConfig, DeploymentState::kStarting, "paastech/x:1");
  clock_.now -= 3'600'000;
  leave_row(DeploymentCause::kConfig, DeploymentState::kQueued, "paastech/x:1");
  start_process();
  EXPECT_EQ(end_of(3).state, DeploymentState::kLive);
  EXPECT_EQ(end_of(2).state, DeploymentState::kSuperseded);
}

TEST_F(RecoveryTest, WhatIsAskedBeforeTheTakeUpIsNeitherTakenForInterruptedNorRunTwice) {
  leave_live();
  make_process();  // answers already, but has not begun
  std::optional<Result<store::DeploymentRow>> pushed;
  std::optional<Result<store::DeploymentRow>> changed;
  start(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')), pushed);
  start(controller().redeploy(project_.id, owner_.id, DeploymentCause::kConfig), changed);
  settle();
  controller().start();
  ASSERT_TRUE(eventually([&] { return pushed && changed; }));
  ASSERT_TRUE(*pushed && *changed);
  const store::DeploymentRow first = end_of((*pushed)->number);
  const store::DeploymentRow second = end_of((*changed)->number);
  EXPECT_NE(first.state, DeploymentState::kFailed) << first.reason;
  EXPECT_NE(second.state, DeploymentState::kFailed) << second.reason;
  EXPECT_EQ(journal_.count("ensure 2"), 1);
  EXPECT_EQ(journal_.count("ensure 3"), 1);
}

TEST_F(RecoveryTest, StoppingTheProcessLeavesARolloutToItsSuccessor) {
  leave_live();
  start_process();
  engine_.ensure_gate.close();
  const std::int64_t changed = change_environment("green");
  ASSERT_TRUE(eventually([&] { return journal_.count("ensure 2") == 1; }));
  stop_process();  // does not wait for the Engine
  EXPECT_EQ(state(changed), "starting");
  engine_.ensure_gate.open();
  start_process();
  EXPECT_EQ(end_of(changed).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.variable(changed, "COLOUR"), "green");
}

TEST_F(RecoveryTest, NothingIsPublishedBeforeEveryProjectWasLookedAt) {
  leave_live();
  engine_.down = true;
  start_process();
  store::ProjectRow fresh;
  fresh.id = new_uuid();
  fresh.name = "fresh";
  fresh.owner_id = owner_.id;
  ASSERT_TRUE(run(controller().create_project(fresh)));  // would publish a table without the others
  settle();
  engine_.down = false;
  ASSERT_TRUE(eventually([&] { return routed() == Numbers{1}; }));
  EXPECT_THAT(router_.routed(fresh.id), Optional(IsEmpty()));
  EXPECT_EQ(journal_.count("publish of nothing"), 0);
}

TEST_F(RecoveryTest, NothingIsRemovedBeforeTheIngressHasLetItGo) {
  leave_live();
  leave_row(DeploymentCause::kPush, DeploymentState::kStarting, "paastech/x:2");
  engine_.add_instance(project_.id, 2);  // the ingress may have its route: the process ended after the publication
  router_.down = true;
  start_process();
  EXPECT_EQ(end_of(2).state, DeploymentState::kFailed);
  ASSERT_TRUE(eventually([&] { return journal_.count("publish refused") >= 2; }));
  settle();
  EXPECT_THAT(running(), ElementsAre(1, 2));
  router_.down = false;
  EXPECT_TRUE(eventually([&] { return running() == Numbers{1}; }));
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
}

TEST_F(RecoveryTest, AResumedRolloutDrainsWhatServedBeforeTheRestart) {
  leave_live();
  leave_row(DeploymentCause::kConfig, DeploymentState::kStarting, "paastech/x:1");
  engine_.list_gate.close();  // the comparison of all is slower than the rollout
  start_process();
  ASSERT_TRUE(eventually([&] { return journal_.count("ensure 2") == 1; }));
  for (int i = 0; i < 100; ++i) io_.run_for(1ms);
  engine_.list_gate.open();
  EXPECT_EQ(end_of(2).state, DeploymentState::kLive);
  ASSERT_TRUE(eventually([&] { return running() == Numbers{2}; }));
  EXPECT_EQ(journal_.count("drain 1"), 1);
  EXPECT_LT(journal_.last("drain 1"), journal_.last("remove 1"));
}

TEST_F(RecoveryTest, WhatStoppedStaysStoppedOverARestart) {
  leave_live();
  ASSERT_TRUE(database_.write([&](store::Tx& tx) { return store::set_stopped(tx, project_.id, true); }));
  start_process();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
  EXPECT_THAT(routed(), Optional(IsEmpty()));
}

TEST_F(RecoveryTest, AMissingInstanceIsBroughtBack) {
  leave_row(DeploymentCause::kPush, DeploymentState::kLive, "paastech/x:1");
  start_process();
  EXPECT_TRUE(eventually([&] { return routed() == Numbers{1}; }));
  EXPECT_THAT(running(), ElementsAre(1));
}

TEST_F(RecoveryTest, WhatHappenedWhileTheEnginesEventsWereLostIsSeenSoon) {
  leave_live();
  start_process();
  ASSERT_TRUE(eventually([&] { return routed() == Numbers{1}; }));
  for (int i = 0; i < 20; ++i) io_.run_for(1ms);
  engine_.add_instance(project_.id, 7);  // without an event
  ++engine_.watches;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] { return running() == Numbers{1}; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 15s);  // not the minute of a full comparison
}

TEST_F(RecoveryTest, InstancesOfNoProjectAreRemoved) {
  leave_live();
  const std::string orphan = new_uuid();
  engine_.add_instance(orphan, 1);
  start_process();
  EXPECT_TRUE(eventually([&] { return engine_.running(orphan).empty(); }));
  EXPECT_EQ(journal_.count("remove project " + orphan), 1);
  EXPECT_THAT(running(), ElementsAre(1));
}

// As after a database was restored: its network is another Project's next, and the ingress may still lead there.
TEST_F(RecoveryTest, InstancesOfNoProjectStayUntilNoIngressLeadsToThem) {
  leave_live();
  const std::string orphan = new_uuid();
  engine_.add_instance(orphan, 1);
  router_.down = true;
  start_process();
  ASSERT_TRUE(eventually([&] { return journal_.count("publish refused") >= 2; }));
  settle();
  EXPECT_THAT(engine_.running(orphan), ElementsAre(1));
  router_.publish_gate.close();
  router_.down = false;
  ASSERT_TRUE(eventually([&] { return journal_.count("publish asked") >= 1; }));
  settle();
  EXPECT_EQ(journal_.count("remove project " + orphan), 0);
  router_.publish_gate.open();
  EXPECT_TRUE(eventually([&] { return engine_.running(orphan).empty(); }));
  const std::vector<std::string> all = journal_.all();
  EXPECT_LT(std::ranges::find(all, "publish"), std::ranges::find(all, "remove project " + orphan));
}

}  // namespace
}  // namespace paastech::controller
