// What an administrator's suspension and a plan's limits do to Deployments.
#include "controller/test_support.h"
#include "domain/quota.h"
#include "store/build_usage.h"
#include "store/managed_clients.h"
#include "store/plans.h"

namespace paastech::controller {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Optional;

struct SuspensionTest : ControllerTest {
  void store_suspension(std::int64_t at) {
    ASSERT_TRUE(database_.write([&](store::Tx& tx) { return store::set_suspended(tx, owner_.id, at); }));
  }
  void suspend() {
    store_suspension(5);
    ASSERT_TRUE(run(controller().follow_suspension(owner_.id)));
  }
  void resume() {
    store_suspension(0);
    ASSERT_TRUE(run(controller().follow_suspension(owner_.id)));
  }
};

TEST_F(SuspensionTest, StopsWhatRunsAndResumingBringsItBack) {
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_THAT(routed(), Optional(ElementsAre(1)));
  suspend();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
  EXPECT_THAT(routed(), Optional(IsEmpty()));  // the host is still the Project's: visitors read that it does not run
  EXPECT_EQ(state(1), "live");
  EXPECT_FALSE(stored_project()->stopped);
  resume();
  EXPECT_TRUE(eventually([&] { return running() == Numbers{1} && routed() == Numbers{1}; }));
}

TEST_F(SuspensionTest, WhatTheClientHadStoppedStaysStoppedAfterwards) {
  const store::ProjectRow runs = project_;
  const store::ProjectRow stopped = database_.add_project("stopped", owner_.id);
  start_process();
  for (const store::ProjectRow& each : {runs, stopped}) {
    project_ = each;
    ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  }
  ASSERT_TRUE(run(controller().stop_application(stopped.id)));
  suspend();
  ASSERT_TRUE(eventually([&] { return engine_.running(runs.id).empty(); }));
  resume();
  EXPECT_TRUE(eventually([&] { return engine_.running(runs.id) == Numbers{1}; }));
  settle();
  EXPECT_THAT(engine_.running(stopped.id), IsEmpty());
}

TEST_F(SuspensionTest, HoldsOverARestart) {
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  suspend();
  ASSERT_TRUE(eventually([&] { return running().empty(); }));
  stop_process();
  const std::ptrdiff_t published = journal_.count("publish");
  start_process();
  ASSERT_TRUE(eventually([&] { return journal_.count("publish") > published; }));  // everything was compared
  settle();
  EXPECT_THAT(running(), IsEmpty());
  EXPECT_EQ(journal_.count("ensure 1"), 1);
}

TEST_F(SuspensionTest, AnInterruptedOneIsFinishedByTheNextComparison) {
  leave_row(DeploymentCause::kPush, DeploymentState::kLive, "paastech/x:1");
  engine_.add_instance(project_.id, 1);
  store_suspension(5);
  start_process();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
  EXPECT_THAT(routed(), Optional(IsEmpty()));
}

TEST_F(SuspensionTest, CancelsWhatIsOnItsWayAndRefusesWhatIsNew) {
  start_process();
  engine_.build_gate.close();
  const std::int64_t building = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  suspend();
  const store::DeploymentRow ended = end_of(building);
  EXPECT_EQ(ended.state, DeploymentState::kCancelled);
  EXPECT_THAT(ended.message, HasSubstr("suspended"));
  const auto refused = run(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("the owner of project shop is suspended"));
}

TEST_F(SuspensionTest, WhatARestartFindsQueuedIsCancelled) {
  leave_row(DeploymentCause::kPush, DeploymentState::kLive, "paastech/x:1");
  leave_row(DeploymentCause::kConfig, DeploymentState::kQueued, "paastech/x:1");
  store_suspension(5);
  start_process();
  EXPECT_EQ(end_of(2).state, DeploymentState::kCancelled);
  EXPECT_EQ(journal_.count("ensure 2"), 0);
}

// With visitors who are never done: the ingress would be asked for as long as `drain` says.
struct AtOnceTest : SuspensionTest {
  void go_live_with_visitors() {
    repositories_.files["paastech.yaml"] =
        "processes: {web: {drain: 300, stop_grace: 300}, worker: {command: work, stop_grace: 300}}\n";
    start_process();
    go_live();
    router_.drain_gate.close();
    router_.drain_ms = -1;
  }
  bool nothing_runs() {
    return eventually([&] { return engine_.stands_still(project_.id); });
  }
};

TEST_F(AtOnceTest, NeitherVisitorsNorTheGraceOfTheApplicationAreWaitedFor) {
  go_live_with_visitors();
  ASSERT_EQ(running().size(), 2u);
  suspend();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
  EXPECT_THAT(routed(), Optional(IsEmpty()));
  EXPECT_EQ(router_.drain_ms.load(), -1);
  EXPECT_THAT(engine_.grace_seconds.load(), AllOf(Ge(1), Le(5)));
  EXPECT_GT(journal_.count("stop 0"), 0) << "all of them at once";
}

TEST_F(AtOnceTest, AfterARestartToo) {
  go_live_with_visitors();
  stop_process();
  store_suspension(5);
  start_process();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
  EXPECT_EQ(router_.drain_ms.load(), -1);
  EXPECT_THAT(engine_.grace_seconds.load(), AllOf(Ge(1), Le(5)));
}

TEST_F(AtOnceTest, AlsoWhatTheClientItselfIsStoppingSlowly) {
  go_live_with_visitors();
  std::optional<Status> stopped;
  start(controller().stop_application(project_.id), stopped);
  ASSERT_TRUE(eventually([&] { return journal_.count("drain 1") > 0; }));
  EXPECT_EQ(router_.drain_ms.load(), 300'000) << "the Client's own stop takes its time";
  suspend();
  EXPECT_TRUE(eventually([&] { return running().empty(); })) << "while the visitors' connections are open still";
  ASSERT_TRUE(eventually([&] { return stopped.has_value(); }));
  EXPECT_TRUE(*stopped);
  EXPECT_TRUE(stored_project()->stopped);
}

TEST_F(AtOnceTest, AlsoWhatANewerDeploymentHasTakenThePlaceOf) {
  go_live_with_visitors();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_TRUE(eventually([&] { return journal_.count("drain 1") > 0; }));
  ASSERT_EQ(running().size(), 4u);
  suspend();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
}

TEST_F(AtOnceTest, AnIngressThatIsAwayKeepsNothingRunning) {
  go_live_with_visitors();
  router_.down = true;
  suspend();
  EXPECT_TRUE(nothing_runs());
  EXPECT_EQ(running().size(), 2u) << "their addresses stay theirs until it knows";
}

TEST_F(AtOnceTest, WhatIsBeingStartedAgainIsGivenUp) {
  go_live_with_visitors();
  engine_.ensure_gate.close();
  engine_.end_instance(project_.id, 1, "worker", 0, 1);
  ASSERT_TRUE(eventually([&] { return journal_.count("hold 1 worker 0") == 1; }));
  clock_.now += 1'000;  // its pause
  ASSERT_TRUE(eventually([&] { return journal_.count("ensure 1 worker 1") == 2; }));
  suspend();
  EXPECT_TRUE(eventually([&] { return running().empty(); }));
}

struct QuotaTest : ControllerTest {
  static constexpr std::int64_t kNone = kUnlimited;
  void limit(const Amounts& limits) {
    ASSERT_TRUE(database_.write([&](store::Tx& tx) -> Status {
      TRY(store::set_plan(tx, {"small", limits}));
      return store::set_plan_of(tx, owner_.id, "small");
    }));
  }
  Status create(const std::string& name) {
    return run(controller().create_project({new_uuid(), name, owner_.id, false, false, 1, clock_.now}));
  }
  Result<std::int64_t> build_time() {
    return database_.read([&](store::Tx& tx) { return store::build_time(tx, owner_.id, month_of(clock_.now)); });
  }
};

TEST_F(QuotaTest, AProjectTooManyIsNotMade) {
  limit({2, kNone, kNone, kNone, kNone, kNone});
  start_process();
  EXPECT_TRUE(create("second"));
  const Status refused = create("third");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_EQ(journal_.count("create repository"), 1);
  EXPECT_FALSE(database_.read([](store::Tx& tx) { return store::find_project(tx, "third"); }));
}

TEST_F(QuotaTest, AnInstanceTooManyIsNotDeployedButWhatRunsIsReplaced) {
  limit({kNone, 1, kNone, kNone, kNone, kNone});
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.group(2).limits().memory_bytes(), kInstanceMemoryBytes);
  EXPECT_EQ(engine_.group(2).limits().milli_cpus(), kInstanceMilliCpus);
  const store::ProjectRow second = database_.add_project("second", owner_.id);
  const auto refused = run(controller().deploy_commit(second.id, owner_.id, std::string(40, 'a')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  EXPECT_TRUE(run(controller().deploy_commit(second.id, owner_.id, std::string(40, 'a'))));
}

TEST_F(QuotaTest, BuildsCountTheirTimeAlsoFailedOnes) {
  start_process();
  engine_.build_gate.close();
  engine_.build_fails = true;
  const std::int64_t number = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  clock_.now += 61'000;
  engine_.build_gate.open();
  EXPECT_EQ(end_of(number).state, DeploymentState::kFailed);
  EXPECT_EQ(build_time().value(), 61'000);
}

TEST_F(QuotaTest, WithoutBuildMinutesLeftNothingIsBuiltUntilTheNextMonth) {
  limit({kNone, kNone, kNone, kNone, 1, kNone});
  start_process();
  engine_.build_gate.close();
  const std::int64_t first = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  clock_.now += 1'000;
  engine_.build_gate.open();
  ASSERT_EQ(end_of(first).state, DeploymentState::kLive);
  const store::DeploymentRow refused = end_of(push());
  EXPECT_EQ(refused.state, DeploymentState::kFailed);
  EXPECT_EQ(refused.reason, "quota");
  EXPECT_THAT(refused.message, HasSubstr("`small` allows 1 build minute a month; in use: 1"));
  EXPECT_EQ(journal_.count("build 2"), 0);
  EXPECT_EQ(end_of(redeploy()).state, DeploymentState::kLive);  // what needs no build goes on
  clock_.now += 31 * 86'400'000LL;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
}

TEST_F(QuotaTest, SizesOfRepositoriesComeFromTheGitRole) {
  start_process();
  EXPECT_EQ(run(controller().repository_bytes({project_.id, new_uuid()})).value(), 200);
  EXPECT_EQ(run(controller().repository_bytes({})).value(), 0);
  repositories_.down = true;
  EXPECT_EQ(run(controller().repository_bytes({project_.id})).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace paastech::controller
