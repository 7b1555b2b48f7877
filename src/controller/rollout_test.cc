#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

struct RolloutTest : ControllerTest {
  RolloutTest() { start_process(); }
};

TEST_F(RolloutTest, APushIsBuiltStartedPublishedAndLive) {
  set_variable("blue");
  const store::DeploymentRow row = end_of(push());
  EXPECT_EQ(row.state, DeploymentState::kLive);
  EXPECT_EQ(row.image, "paastech/" + project_.id + ":1");
  EXPECT_EQ(row.commit_subject, "A commit");
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
  EXPECT_EQ(engine_.variable(1, "COLOUR"), "blue");
  EXPECT_EQ(engine_.variable(1, "PORT"), "80");
  EXPECT_LT(journal_.last("build 1"), journal_.last("ensure 1"));
  EXPECT_LT(journal_.last("ensure 1"), journal_.last("publish"));
}

// What others remove at that moment is no fault of the push.
TEST_F(RolloutTest, ABuildThatAnImageWasTakenFromIsDoneAgainAFewTimes) {
  engine_.images_removed = 2;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_EQ(journal_.count("build 1"), 3);
  engine_.images_removed = 3;
  const store::DeploymentRow row = end_of(push());
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "image_removed");
  EXPECT_EQ(journal_.count("build 2"), 3);
}

TEST_F(RolloutTest, PublishesWhatChangedAndAllOfItToAnIngressThatHasAnotherTable) {
  go_live();
  EXPECT_EQ(journal_.count("publish of all"), 1);
  go_live();
  EXPECT_EQ(journal_.count("publish of all"), 1);
  EXPECT_GE(journal_.count("publish of 1"), 1);
  router_.forget();
  go_live();
  EXPECT_EQ(journal_.count("publish of all"), 2);
  EXPECT_THAT(routed(), Optional(ElementsAre(3)));
}

TEST_F(RolloutTest, AFailedOneKeepsTheOldRoutesAndInstances) {
  go_live();
  engine_.fails = 2;
  const store::DeploymentRow row = end_of(push());
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "exited");
  EXPECT_THAT(row.message, HasSubstr("code 1"));
  EXPECT_THAT(output(2), HasSubstr("boom"));
  EXPECT_EQ(state(1), "live");
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
  EXPECT_THAT(running(), ElementsAre(1));
}

TEST_F(RolloutTest, TheOldInstancesAreDrainedAfterThePublicationAndBeforeTheirRemoval) {
  go_live();
  router_.drain_gate.close();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_TRUE(eventually([&] { return journal_.count("drain 1") == 1; }));
  EXPECT_LT(journal_.last("publish"), journal_.last("drain 1"));
  EXPECT_THAT(running(), ElementsAre(1, 2));  // requests are still on their way to the old one
  router_.drain_gate.open();
  ASSERT_TRUE(eventually([&] { return running() == Numbers{2}; }));
  EXPECT_LT(journal_.last("drain 1"), journal_.last("remove 1"));
}

TEST_F(RolloutTest, AConfigChangeBehindAPushRunsThePushsImage) {
  go_live();
  engine_.build_gate.close();
  const std::int64_t pushed = push();
  const std::int64_t changed = change_environment("green");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(changed).image, "paastech/" + project_.id + ":2");
  EXPECT_EQ(state(pushed), "superseded");
  EXPECT_EQ(engine_.variable(pushed, "COLOUR"), "(unset)");  // it has the environment of when it was pushed
  EXPECT_EQ(engine_.variable(changed, "COLOUR"), "green");
}

TEST_F(RolloutTest, AConfigChangeBehindAPushThatFailsRunsTheOldImage) {
  go_live();
  engine_.build_gate.close();
  engine_.build_fails = true;
  const std::int64_t pushed = push();
  const std::int64_t changed = change_environment("green");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(changed).image, "paastech/" + project_.id + ":1");
  EXPECT_EQ(state(pushed), "failed");
  EXPECT_EQ(state(changed), "live");
}

TEST_F(RolloutTest, APushDoesNotOvertakeAQueuedConfigChange) {
  go_live();
  engine_.build_gate.close();
  push();
  const std::int64_t changed = change_environment("green");
  const std::int64_t pushed = push();
  EXPECT_EQ(state(changed), "queued");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(pushed).state, DeploymentState::kLive);
  EXPECT_EQ(state(changed), "superseded");  // it was live in between
  EXPECT_EQ(engine_.variable(changed, "COLOUR"), "green");
  EXPECT_EQ(engine_.variable(pushed, "COLOUR"), "green");
}

TEST_F(RolloutTest, ANewerPushOvertakesAQueuedOneAtOnce) {
  go_live();
  engine_.build_gate.close();
  push();
  const std::int64_t second = push();
  const std::int64_t third = push();
  const store::DeploymentRow overtaken = end_of(second);  // the first one still builds
  EXPECT_EQ(overtaken.state, DeploymentState::kCancelled);
  EXPECT_EQ(overtaken.reason, "overtaken");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(third).state, DeploymentState::kLive);
  EXPECT_EQ(journal_.count("build 3"), 0);
}

TEST_F(RolloutTest, DeploymentsEnteredAtOnceRunInTheOrderOfTheirNumbers) {
  go_live();
  constexpr int kPairs = 8;
  std::vector<std::optional<Result<store::DeploymentRow>>> rows(2 * kPairs);
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    start(controller().redeploy(project_.id, owner_.id, DeploymentCause::kConfig), rows[i]);
    start(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')), rows[i + 1]);
  }
  ASSERT_TRUE(eventually([&] { return std::ranges::all_of(rows, [](const auto& row) { return row.has_value(); }); }));
  std::int64_t newest = 0;
  for (const auto& row : rows) newest = std::max(newest, (*row)->number);
  EXPECT_EQ(end_of(newest).state, DeploymentState::kLive);
  std::int64_t before = 0;
  for (const std::string& entry : journal_.all()) {
    if (!entry.starts_with("ensure ")) continue;
    EXPECT_GT(std::stoll(entry.substr(7)), before);
    before = std::stoll(entry.substr(7));
  }
}

TEST_F(RolloutTest, AnImageOfABuildThatIsNotRecordedYetIsNotTidiedAway) {
  go_live();
  engine_.add_image("paastech/" + project_.id + ":99");  // of nothing: tidied away
  router_.drain_gate.close();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);  // its tidying waits for the drain
  engine_.build_gate.close();
  const std::int64_t third = push();
  ASSERT_TRUE(eventually([&] { return engine_.has_image("paastech/" + project_.id + ":3"); }));
  router_.drain_gate.open();
  ASSERT_TRUE(eventually([&] { return !engine_.has_image("paastech/" + project_.id + ":99"); }));
  EXPECT_TRUE(engine_.has_image("paastech/" + project_.id + ":3"));
  EXPECT_TRUE(engine_.has_image("paastech/" + project_.id + ":1"));  // to go back to
  engine_.build_gate.open();
  EXPECT_EQ(end_of(third).state, DeploymentState::kLive);
}

TEST_F(RolloutTest, CancelEndsABuildAndKeepsTheOld) {
  go_live();
  engine_.build_gate.close();
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 2") == 1; }));
  const Status cancelled = run(controller().cancel(project_.id, pushed));
  EXPECT_TRUE(cancelled) << cancelled.error().message;
  EXPECT_EQ(state(pushed), "cancelled");
  EXPECT_TRUE(eventually([&] { return journal_.count("build cancelled 2") == 1; }));
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
  EXPECT_THAT(running(), ElementsAre(1));
}

TEST_F(RolloutTest, CancelBeforeTheBuildBeginsKeepsItFromBeginning) {
  repositories_.read_gate.close();
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("read files") == 1; }));
  std::optional<Status> cancelled;
  start(controller().cancel(project_.id, pushed), cancelled);
  settle();
  repositories_.read_gate.open();
  ASSERT_TRUE(eventually([&] { return cancelled.has_value(); }));
  EXPECT_TRUE(*cancelled);
  EXPECT_EQ(state(pushed), "cancelled");
  EXPECT_EQ(journal_.count("build 1"), 0);
}

TEST_F(RolloutTest, CancelEndsAStartThatIsNotReady) {
  engine_.ensure_gate.close();
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("ensure 1") == 1; }));
  EXPECT_TRUE(run(controller().cancel(project_.id, pushed)));
  EXPECT_EQ(state(pushed), "cancelled");
  EXPECT_THAT(running(), IsEmpty());
}

TEST_F(RolloutTest, CancelOfAQueuedOneTakesEffectWhileAnotherBuilds) {
  engine_.build_gate.close();
  push();
  const std::int64_t changed = change_environment("green");
  EXPECT_TRUE(run(controller().cancel(project_.id, changed)));
  EXPECT_EQ(state(changed), "cancelled");
  EXPECT_EQ(state(1), "building");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(1).state, DeploymentState::kLive);
  EXPECT_EQ(journal_.count("ensure 2"), 0);
}

TEST_F(RolloutTest, CancelThatComesAfterTheCutOverBeganSaysSo) {
  ASSERT_TRUE(eventually([&] { return routed().has_value(); }));  // the first table is out
  router_.publish_gate.close();
  const std::ptrdiff_t asked = journal_.count("publish asked");
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("publish asked") > asked; }));
  std::optional<Status> cancelled;
  start(controller().cancel(project_.id, pushed), cancelled);
  settle();
  router_.publish_gate.open();
  ASSERT_TRUE(eventually([&] { return cancelled.has_value(); }));
  ASSERT_FALSE(*cancelled);
  EXPECT_EQ(cancelled->error().code, Code::kAborted);
  EXPECT_THAT(cancelled->error().message, HasSubstr("(live)"));
  EXPECT_EQ(state(pushed), "live");
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
}

TEST_F(RolloutTest, AStopDuringARolloutEndsItAndStaysStopped) {
  go_live();
  engine_.build_gate.close();
  const std::int64_t pushed = push();
  const std::int64_t changed = change_environment("green");
  const Status stopped = run(controller().stop_application(project_.id));
  EXPECT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(state(pushed), "cancelled");
  EXPECT_EQ(state(changed), "cancelled");
  EXPECT_THAT(output(pushed), HasSubstr("stopped meanwhile"));
  EXPECT_TRUE(stored_project()->stopped);
  EXPECT_THAT(running(), IsEmpty());
  EXPECT_THAT(routed(), Optional(IsEmpty()));
  // Started again, it has the environment that was set.
  const Result<store::DeploymentRow> started = run(controller().start_application(project_.id, owner_.id));
  ASSERT_TRUE(started);
  EXPECT_EQ(end_of(started->number).state, DeploymentState::kLive);
  EXPECT_FALSE(stored_project()->stopped);
  EXPECT_EQ(engine_.variable(started->number, "COLOUR"), "green");
}

TEST_F(RolloutTest, AStopWhileOneGoesLiveStaysStopped) {
  go_live();
  router_.publish_gate.close();
  const std::ptrdiff_t asked = journal_.count("publish asked");
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("publish asked") > asked; }));
  std::optional<Status> stopped;
  start(controller().stop_application(project_.id), stopped);
  settle();
  router_.publish_gate.open();
  ASSERT_TRUE(eventually([&] { return stopped.has_value(); }));
  EXPECT_TRUE(*stopped);
  EXPECT_EQ(state(pushed), "live");
  EXPECT_TRUE(stored_project()->stopped);
  EXPECT_THAT(routed(), Optional(IsEmpty()));
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
}

TEST_F(RolloutTest, AConfigChangeDoesNotStartWhatIsStopped) {
  go_live();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  engine_.build_gate.close();
  engine_.build_fails = true;
  push();  // would start it
  const std::int64_t changed = change_environment("green");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(changed).state, DeploymentState::kCancelled);
  EXPECT_THAT(output(changed), HasSubstr("paastech start"));
  EXPECT_TRUE(stored_project()->stopped);
  EXPECT_THAT(running(), IsEmpty());
}

TEST_F(RolloutTest, AConfigChangeDoesNotTakeThePlaceOfAQueuedStart) {
  go_live();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  engine_.build_gate.close();
  engine_.build_fails = true;
  push();
  const Result<store::DeploymentRow> started = run(controller().start_application(project_.id, owner_.id));
  ASSERT_TRUE(started);
  const std::int64_t changed = change_environment("green");
  EXPECT_EQ(state(started->number), "queued");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(changed).state, DeploymentState::kLive);
  EXPECT_FALSE(stored_project()->stopped);
  EXPECT_EQ(engine_.variable(changed, "COLOUR"), "green");
}

TEST_F(RolloutTest, OfFailedOnesOnlyTheNewestImageStays) {
  go_live();
  const std::string name = "paastech/" + project_.id + ":";
  for (const std::int64_t number : {2, 3}) {
    engine_.fails = number;
    EXPECT_EQ(end_of(push()).state, DeploymentState::kFailed);
  }
  EXPECT_TRUE(eventually([&] { return !engine_.has_image(name + "2"); }));
  EXPECT_TRUE(engine_.has_image(name + "3"));  // the next build may go on from it
  EXPECT_TRUE(engine_.has_image(name + "1"));  // runs
}

// More of them than one looks at.
TEST_F(RolloutTest, TheLiveImageAndThatOfARollbackStayHoweverManyFailedSince) {
  go_live();
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_TRUE(database_.write([&](store::Tx& tx) -> Status {
    for (int i = 0; i < 150; ++i) {
      store::DeploymentRow row;
      row.project_id = project_.id;
      row.cause = DeploymentCause::kPush;
      row.state = DeploymentState::kFailed;
      row.actor_id = owner_.id;
      TRY(store::insert_deployment(tx, row));
    }
    return {};
  }));
  EXPECT_TRUE(run(controller().stop_application(project_.id)));
  const std::string name = "paastech/" + project_.id + ":";
  engine_.add_image(name + "99");  // of nothing: tidied away
  engine_.build_fails = true;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kFailed);
  EXPECT_TRUE(eventually([&] { return !engine_.has_image(name + "99"); }));
  EXPECT_TRUE(engine_.has_image(name + "1"));
  EXPECT_TRUE(engine_.has_image(name + "2"));
}

TEST_F(RolloutTest, WithNothingLiveOrOnItsWayThereIsNothingToRedeploy) {
  const Result<store::DeploymentRow> row =
      run(controller().redeploy(project_.id, owner_.id, DeploymentCause::kRestart));
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(row.error().hint, HasSubstr("git push"));
}

TEST_F(RolloutTest, WhereTheDiskIsNearlyFullNothingIsBuiltAndWhatRunsIsReplacedStill) {
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  engine_.disk_used = 95;
  const store::DeploymentRow refused = end_of(push());
  EXPECT_EQ(refused.reason, "disk_full");
  EXPECT_EQ(journal_.count("build 2"), 0);
  const auto fetched = run(controller().deploy_image(project_.id, owner_.id, "registry.example/shop:1"));
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(end_of(fetched->number).reason, "disk_full");
  EXPECT_EQ(end_of(change_environment("blue")).state, DeploymentState::kLive);
  engine_.disk_used = 94;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
}

TEST_F(RolloutTest, WhereTheDiskGetsFullWhatBuildsLeftGoesAtOnce) {
  stop_process();
  engine_.disk_used = 85;
  start_process();
  EXPECT_TRUE(eventually([&] { return journal_.count("prune 0") == 1; }));
}

TEST_F(RolloutTest, AtMostOneBuildOfAClientAtATime) {
  const store::ProjectRow other = database_.add_project("other", owner_.id);
  engine_.build_gate.close();
  push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  const auto second = run(controller().deploy_commit(other.id, owner_.id, std::string(40, 'a')));
  ASSERT_TRUE(second);
  ASSERT_TRUE(
      eventually([&] { return std::ranges::count(log_.read(other.id, 1), "==> Waiting for a place to build") == 1; }));
  EXPECT_EQ(journal_.count("build 1"), 1);  // of the first Project only
  engine_.build_gate.open();
  EXPECT_EQ(end_of(1).state, DeploymentState::kLive);
  EXPECT_EQ(run(controller().wait(other.id, 1))->state, DeploymentState::kLive);
}

}  // namespace
}  // namespace paastech::controller
