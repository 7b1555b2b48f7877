// Instances that end by themselves, and those whose liveness probe fails.
#include "controller/test_support.h"
#include "store/scales.h"

namespace paastech::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CrashesTest : public ControllerTest {
 protected:
  void live() {
    start_process();
    ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
    ASSERT_TRUE(eventually([&] { return engine_.watching.load(); }));
    settle();
  }
  void crash(int code = 1) { engine_.end_instance(project_.id, 1, "web", 0, code); }
  Condition::Restart web() {
    const Condition condition = controller().condition(project_.id);
    const auto found = condition.restarts.find({1, "web", 0});
    return found == condition.restarts.end() ? Condition::Restart() : found->second;
  }
  bool crashed(int times) {
    return eventually([&] { return web().crashes == times && journal_.count("hold 1 web 0") == times; });
  }
  // The controller sleeps by the real clock, a second or two in these tests, and reckons by this one.
  void pass(std::int64_t ms) { clock_.now += ms; }
};

TEST_F(CrashesTest, OneThatEndsLeavesTheRoutesAndStartsAgainOnceItsPauseIsOver) {
  live();
  crash(3);
  ASSERT_TRUE(crashed(1));
  EXPECT_EQ(web().reason, "exit code 3");
  EXPECT_EQ(web().due_in_ms, 1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers(); }));
  const std::ptrdiff_t before = journal_.count("ensure 1");
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
  EXPECT_EQ(journal_.count("ensure 1"), before + 1);
  EXPECT_EQ(web().due_in_ms, 0);
}

TEST_F(CrashesTest, ThePauseGrowsWithEachCrashAndIsForgottenAfterTenMinutesWell) {
  live();
  for (int times = 1; times <= 2; ++times) {
    ASSERT_TRUE(at_rest());
    crash();
    ASSERT_TRUE(crashed(times)) << times << ": " << web().crashes;
    EXPECT_EQ(web().due_in_ms, 1'000 << (times - 1));
    const std::ptrdiff_t before = journal_.count("ensure 1");
    pass(web().due_in_ms);
    ASSERT_TRUE(eventually([&] { return journal_.count("ensure 1") == before + 1; })) << times;
    ASSERT_TRUE(eventually([&] { return routed() == Numbers({1}); })) << times;
  }
  ASSERT_TRUE(at_rest());
  pass(kWellMs);
  engine_.watches = engine_.watches + 1;  // what happens while nobody watches makes it compare
  EXPECT_TRUE(eventually([&] { return web().crashes == 0; }));
}

TEST_F(CrashesTest, AnEndThatOnlyAComparisonSeesIsACrashToo) {
  live();
  ASSERT_TRUE(at_rest());
  const std::ptrdiff_t before = journal_.count("ensure 1");
  engine_.end_instance(project_.id, 1, "web", 0, 3, false);
  engine_.watches = engine_.watches + 1;  // what happens while nobody watches makes it compare
  ASSERT_TRUE(crashed(1));
  EXPECT_EQ(web().reason, "exit code 3");
  EXPECT_EQ(journal_.count("ensure 1"), before) << "it has its pause";
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
}

TEST_F(CrashesTest, OneThatCannotBeStartedMarksItsProjectAndHoldsUpNoDeployment) {
  live();
  engine_.fails = 1;
  crash();
  ASSERT_TRUE(crashed(1));
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return !controller().condition(project_.id).problem.empty(); }));
  EXPECT_THAT(controller().condition(project_.id).problem, HasSubstr("exited with code 1"));
  EXPECT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_THAT(*routed(), ElementsAre(2));
  EXPECT_TRUE(eventually([&] { return controller().condition(project_.id).problem.empty(); }));
}

TEST_F(CrashesTest, OneThatEndsWhileTheNextIsBuiltIsBroughtBackAllTheSame) {
  live();
  engine_.build_gate.close();
  const std::int64_t next = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 2") == 1; }));
  crash();
  ASSERT_TRUE(crashed(1));
  EXPECT_TRUE(eventually([&] { return routed() == Numbers(); }));
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
  EXPECT_EQ(state(next), "building");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(next).state, DeploymentState::kLive);
  EXPECT_TRUE(eventually([&] { return running() == Numbers({2}); }));
}

class TwoTest : public CrashesTest {
 protected:
  TwoTest() { repositories_.files["Procfile"] = "web: serve\n"; }
  void live() {
    EXPECT_TRUE(database_.write([&](store::Tx& tx) { return store::set_scale(tx, project_.id, {"web", 2, 0, 0}); }));
    CrashesTest::live();
  }
  // Those that the Engine was last told to start.
  std::vector<int> asked() const {
    const engine::InstanceGroup group = engine_.group(1);
    return {group.index().begin(), group.index().end()};
  }
};

TEST_F(TwoTest, OneThatCannotBeStartedAgainTakesTheOtherOutOfServiceByNoMeans) {
  live();
  engine_.fails = 1;
  engine_.fails_index = 0;
  crash();
  ASSERT_TRUE(crashed(1));
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
  pass(1'000);
  ASSERT_TRUE(eventually([&] { return web().crashes == 2; }));
  ASSERT_TRUE(at_rest());
  EXPECT_THAT(*routed(), ElementsAre(1));
  EXPECT_THAT(asked(), ElementsAre(0));
  EXPECT_EQ(controller().condition(project_.id).restarts.size(), 1U);
  engine_.fails = 0;
  pass(2'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1}); }));
}

TEST_F(TwoTest, OneThatWaitsLongerIsNotStartedWithTheOther) {
  live();
  crash();
  ASSERT_TRUE(crashed(1));
  pass(900);
  engine_.end_instance(project_.id, 1, "web", 1, 1);
  ASSERT_TRUE(eventually([&] { return controller().condition(project_.id).restarts.size() == 2; }));
  pass(100);
  EXPECT_TRUE(eventually([&] { return asked() == std::vector{0}; })) << ::testing::PrintToString(asked());
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
  pass(900);
  EXPECT_TRUE(eventually([&] { return asked() == std::vector{1}; })) << ::testing::PrintToString(asked());
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1}); }));
}

TEST_F(CrashesTest, OneThatWroteTooMuchIsMadeAnewInsteadOfHeld) {
  live();
  engine_.overfull = 300 << 20;
  crash(137);
  ASSERT_TRUE(eventually([&] { return journal_.count("remove 1 web") == 1; }));
  EXPECT_EQ(web().reason, "out of disk: it wrote 300 MiB (limit 256 MiB)");
  EXPECT_EQ(journal_.count("hold 1 web 0"), 0);
  EXPECT_TRUE(eventually([&] { return running().empty() && routed() == Numbers(); }));
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
}

TEST_F(CrashesTest, OutOfMemoryIsNamedWhereTheEndFollowsOnTheKernelsKill) {
  live();
  engine_.kill_for_memory(project_.id, 1, "web", 0);
  crash(1);
  ASSERT_TRUE(crashed(1));
  EXPECT_EQ(web().reason, "out of memory");
}

TEST_F(CrashesTest, AChildThatWasKilledForMemoryNamesNoLaterEnd) {
  live();
  engine_.kill_for_memory(project_.id, 1, "web", 0);
  settle();
  pass(60'000);
  crash(3);
  ASSERT_TRUE(crashed(1));
  EXPECT_EQ(web().reason, "exit code 3");
}

TEST_F(CrashesTest, WhatTheControllerEndsItselfIsNoCrash) {
  live();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_TRUE(eventually([&] { return running() == Numbers({2}); }));
  engine_.add_instance(project_.id, 1);  // as by a process that was killed in the middle
  engine_.watches = engine_.watches + 1;
  ASSERT_TRUE(eventually([&] { return running() == Numbers({2}); }));
  settle();
  EXPECT_EQ(journal_.count("hold 1 web 0"), 0);
  EXPECT_THAT(controller().condition(project_.id).restarts, IsEmpty());
}

TEST_F(CrashesTest, AStoppedApplicationsEndIsNoCrash) {
  live();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  crash(143);
  settle();
  EXPECT_TRUE(eventually([&] { return running().empty(); })) << "it is removed again";
  EXPECT_EQ(journal_.count("ensure 1"), 1);
}

class LivenessTest : public CrashesTest {
 protected:
  LivenessTest() {
    repositories_.files["paastech.yaml"] = "processes: {web: {liveness: {path: /alive, interval: 1, failures: 2}}}\n";
  }
};

TEST_F(LivenessTest, OneThatIsAliveNoMoreIsEndedAndStartsAgain) {
  live();
  ASSERT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("probe /alive") > 0;
  }));
  EXPECT_EQ(journal_.count("stop 1 web 0"), 0);
  engine_.alive = false;
  ASSERT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("stop 1 web 0") == 1;
  }));
  ASSERT_TRUE(eventually([&] { return web().crashes == 1; }));
  EXPECT_THAT(web().reason, HasSubstr("GET /alive answered 500"));
  engine_.alive = true;
  pass(1'000);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1}); }));
}

TEST_F(LivenessTest, OneThatTheEngineStartedAnewHasItsTimeToStart) {
  live();
  stop_process();  // and the machine
  engine_.alive = false;
  engine_.running_ms = 30'000;  // of the 60 s that it has
  const std::ptrdiff_t before = journal_.count("probe /alive");
  start_process();
  ASSERT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("probe /alive") >= before + 4;
  }));
  EXPECT_EQ(journal_.count("stop 1 web 0"), 0);
  engine_.running_ms = 61'000;
  EXPECT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("stop 1 web 0") == 1;
  }));
}

TEST_F(LivenessTest, OneThatWasReadyAtItsRolloutHasNoSuchTime) {
  engine_.alive = false;
  engine_.running_ms = 1'000;
  live();
  EXPECT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("stop 1 web 0") == 1;
  }));
}

TEST_F(LivenessTest, OnceItWasAliveItsTimeToStartIsOver) {
  live();
  stop_process();
  engine_.running_ms = 30'000;
  const std::ptrdiff_t before = journal_.count("probe /alive");
  start_process();
  ASSERT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("probe /alive") > before;
  }));
  settle();
  engine_.alive = false;
  EXPECT_TRUE(eventually([&] {
    clock_.now += 10;
    return journal_.count("stop 1 web 0") == 1;
  }));
}

}  // namespace
}  // namespace paastech::controller
