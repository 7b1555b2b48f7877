// Processes, scale and the strategies, against the fakes.
#include <fmt/format.h>

#include "controller/test_support.h"
#include "domain/process_json.h"
#include "store/scales.h"

namespace paastech::controller {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class ProcessesTest : public ControllerTest {
 protected:
  ProcessesTest() { repositories_.files["Procfile"] = "web: serve\nworker: work\n"; }
  void set_scale(const std::string& process, int count, std::int64_t memory_bytes = 0) {
    EXPECT_TRUE(database_.write(
        [&](store::Tx& tx) { return store::set_scale(tx, project_.id, {process, count, memory_bytes, 0}); }));
  }
  std::int64_t scale(const std::string& process, int count, std::int64_t memory_bytes = 0) {
    return change_scale({process, count, memory_bytes, 0});
  }
  void push_until_live() { ASSERT_EQ(end_of(push()).state, DeploymentState::kLive); }
  bool settled(Numbers numbers) {
    return eventually([&] { return running() == numbers; });
  }
  // Three Instances of web and one of the worker, of which those of web get another size.
  void resize_three(const std::string& strategy) {
    repositories_.files["paastech.yaml"] = "strategy: " + strategy + "\n";
    set_scale("web", 3);
    start_process();
    push_until_live();
    ASSERT_THAT(running(), ElementsAre(1, 1, 1, 1));
    EXPECT_EQ(end_of(scale("web", 3, 64 << 20)).state, DeploymentState::kLive);
    EXPECT_TRUE(settled({1, 2, 2, 2})) << ::testing::PrintToString(running());
  }
};

TEST_F(ProcessesTest, AllProcessesStartAndOnlyWebIsRouted) {
  start_process();
  push_until_live();
  EXPECT_THAT(running(), ElementsAre(1, 1));
  EXPECT_THAT(*routed(), ElementsAre(1));
  EXPECT_THAT(engine_.group(1, "worker").command(), ElementsAre("/bin/sh", "-c", "work"));
  EXPECT_EQ(engine_.group(1, "worker").port(), 0);
  EXPECT_EQ(engine_.group(1, "web").port(), 80);
}

TEST_F(ProcessesTest, AScaleAddsInstancesAndTouchesNoOther) {
  start_process();
  push_until_live();
  EXPECT_EQ(end_of(scale("web", 3)).state, DeploymentState::kLive);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1, 1}); })) << ::testing::PrintToString(routed());
  EXPECT_THAT(running(), ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(state(1), "superseded");
  EXPECT_EQ(journal_.count("remove 1"), 0);
}

TEST_F(ProcessesTest, FewerAreTakenFromTheRoutesBeforeTheyEnd) {
  start_process();
  push_until_live();
  end_of(scale("web", 3));
  end_of(scale("web", 1));
  EXPECT_TRUE(settled({1, 1})) << ::testing::PrintToString(running());
  EXPECT_THAT(*routed(), ElementsAre(1));
  EXPECT_LT(journal_.last("publish"), journal_.last("remove 1 web"));
  EXPECT_LT(journal_.last("drain 1"), journal_.last("remove 1 web"));
}

TEST_F(ProcessesTest, AnotherSizeReplacesThatProcessOnly) {
  start_process();
  push_until_live();
  const std::int64_t number = scale("worker", 1, 64 << 20);
  end_of(number);
  EXPECT_TRUE(eventually([&] { return running() == Numbers({1, 2}); })) << ::testing::PrintToString(running());
  EXPECT_EQ(engine_.group(2, "worker").limits().memory_bytes(), 64 << 20);
  EXPECT_THAT(*routed(), ElementsAre(1));
}

TEST_F(ProcessesTest, TheScaleOutlivesPushesAndRestartsOfTheService) {
  start_process();
  push_until_live();
  end_of(scale("web", 2));
  push_until_live();
  EXPECT_TRUE(settled({3, 3, 3})) << ::testing::PrintToString(running());
  stop_process();
  start_process();
  settle();
  EXPECT_TRUE(settled({3, 3, 3})) << ::testing::PrintToString(running());
}

TEST_F(ProcessesTest, AScaleThatWasCutOffIsFinishedByTheSuccessor) {
  start_process();
  push_until_live();
  engine_.ensure_gate.close();
  const std::int64_t number = scale("web", 2);
  EXPECT_TRUE(eventually([&] { return journal_.count("ensure 1 web 2") > 0; }));
  stop_process();
  engine_.ensure_gate.open();
  start_process();
  EXPECT_EQ(end_of(number).state, DeploymentState::kLive);
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1}); }));
}

TEST_F(ProcessesTest, ARestartReplacesOneAfterTheOtherWithOneMoreAtTheMost) {
  repositories_.files["Procfile"] = "web: serve\n";
  set_scale("web", 3);
  start_process();
  push_until_live();
  ASSERT_THAT(running(), ElementsAre(1, 1, 1));
  EXPECT_EQ(end_of(redeploy(DeploymentCause::kRestart)).state, DeploymentState::kLive);
  EXPECT_TRUE(settled({2, 2, 2})) << ::testing::PrintToString(running());
  EXPECT_EQ(engine_.most(), 4U);
  EXPECT_THAT(*routed(), ElementsAre(2, 2, 2));
}

TEST_F(ProcessesTest, WhileOneReplacesTheOtherNobodyIsSentToAnOldOneThatIsNotReady) {
  repositories_.files["Procfile"] = "web: serve\n";
  set_scale("web", 2);
  start_process();
  push_until_live();
  engine_.forget_ready(project_.id, 1, "web", 1);
  router_.drain_gate.close();
  const std::int64_t number = redeploy(DeploymentCause::kRestart);
  EXPECT_TRUE(eventually([&] { return routed() != Numbers({1, 1}); }));
  EXPECT_THAT(*routed(), ElementsAre(2));
  router_.drain_gate.open();
  EXPECT_EQ(end_of(number).state, DeploymentState::kLive);
  EXPECT_TRUE(settled({2, 2})) << ::testing::PrintToString(running());
}

TEST_F(ProcessesTest, ARollingOneThatFailsBringsBackWhatItHadEnded) {
  repositories_.files["paastech.yaml"] = "strategy: rolling\n";
  repositories_.files["Procfile"] = "web: serve\n";
  set_scale("web", 2);
  start_process();
  push_until_live();
  engine_.fails = 2;
  EXPECT_EQ(end_of(change_environment("red")).state, DeploymentState::kFailed);
  EXPECT_TRUE(settled({1, 1})) << ::testing::PrintToString(running());
  EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1}); }));
}

TEST_F(ProcessesTest, RecreateEndsTheOldBeforeTheNewStarts) {
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  repositories_.files["Procfile"] = "web: serve\n";
  start_process();
  push_until_live();
  EXPECT_EQ(end_of(change_environment("red")).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.most(), 1U);
  EXPECT_LT(journal_.last("remove 1 web"), journal_.last("ensure 2"));
  EXPECT_THAT(*routed(), ElementsAre(2));
}

TEST_F(ProcessesTest, RecreateThatFailsBringsTheOldBack) {
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  repositories_.files["Procfile"] = "web: serve\n";
  start_process();
  push_until_live();
  engine_.fails = 2;
  EXPECT_EQ(end_of(change_environment("red")).state, DeploymentState::kFailed);
  EXPECT_TRUE(settled({1})) << ::testing::PrintToString(running());
  EXPECT_THAT(*routed(), ElementsAre(1));
  EXPECT_EQ(engine_.most(), 1U) << "the old one came back beside the new";
  EXPECT_LT(journal_.last("remove 2"), journal_.last("ensure 1"));
}

TEST_F(ProcessesTest, RecreateThatFailsIsNotBesideAnOldOneOfAnotherStrategy) {
  repositories_.files["Procfile"] = "web: serve\n";
  start_process();
  push_until_live();
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  engine_.fails = 2;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kFailed);
  EXPECT_TRUE(settled({1})) << ::testing::PrintToString(running());
  EXPECT_EQ(engine_.most(), 1U);
}

TEST_F(ProcessesTest, AnotherSizeComesOneByOneWhereTheStrategyIsRolling) {
  resize_three("rolling");
  EXPECT_EQ(engine_.most(), 5U);
  EXPECT_THAT(*routed(), ElementsAre(2, 2, 2));
  EXPECT_EQ(engine_.group(2).limits().memory_bytes(), 64 << 20);
  EXPECT_EQ(journal_.count("remove 1 worker"), 0);
}

TEST_F(ProcessesTest, AnotherSizeIsNeverBesideTheOldOneWhereTheStrategyIsRecreate) {
  resize_three("recreate");
  EXPECT_EQ(engine_.most(), 4U);
  EXPECT_LT(journal_.last("drain 1"), journal_.last("remove 1 web"));
  EXPECT_LT(journal_.last("remove 1 web"), journal_.last("ensure 2 web 3"));
  EXPECT_THAT(*routed(), ElementsAre(2, 2, 2));
  EXPECT_EQ(journal_.count("remove 1 worker"), 0);
}

TEST_F(ProcessesTest, RecreateOfAnotherProcessLeavesItsVisitorsToWeb) {
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  start_process();
  push_until_live();
  engine_.ensure_gate.close();
  const std::int64_t number = scale("worker", 1, 64 << 20);
  EXPECT_TRUE(eventually([&] { return journal_.count("remove 1 worker") == 1; }));
  EXPECT_THAT(running(), ElementsAre(1));
  EXPECT_THAT(*routed(), ElementsAre(1));
  engine_.ensure_gate.open();
  EXPECT_EQ(end_of(number).state, DeploymentState::kLive);
  EXPECT_TRUE(settled({1, 2})) << ::testing::PrintToString(running());
  EXPECT_EQ(engine_.most(), 2U);
  EXPECT_EQ(journal_.count("remove 1 web") + journal_.count("drain 1"), 0);
}

TEST_F(ProcessesTest, AnotherSizeThatFailsBringsTheOldOneBack) {
  for (const char* strategy : {"rolling", "recreate"}) {
    SCOPED_TRACE(strategy);
    project_ = database_.add_project(std::string("shop-") + strategy, owner_.id);
    repositories_.files["paastech.yaml"] = std::string("strategy: ") + strategy + "\n";
    set_scale("web", 2);
    start_process();
    push_until_live();
    engine_.fails = 2;
    EXPECT_EQ(end_of(scale("web", 2, 64 << 20)).state, DeploymentState::kFailed);
    EXPECT_TRUE(settled({1, 1, 1})) << ::testing::PrintToString(running());
    EXPECT_TRUE(eventually([&] { return routed() == Numbers({1, 1}); }));
    EXPECT_EQ(journal_.count("remove 1 worker"), 0);
    engine_.fails = 0;
    stop_process();
  }
}

TEST_F(ProcessesTest, AnotherCountAloneReplacesNothingWhateverTheStrategy) {
  start_process();
  for (const char* strategy : {"rolling", "recreate"}) {
    SCOPED_TRACE(strategy);
    repositories_.files["paastech.yaml"] = std::string("strategy: ") + strategy + "\n";
    const std::int64_t pushed = push();
    EXPECT_EQ(end_of(pushed).state, DeploymentState::kLive);
    EXPECT_TRUE(settled({pushed, pushed})) << ::testing::PrintToString(running());
    EXPECT_EQ(end_of(scale("web", 3)).state, DeploymentState::kLive);
    EXPECT_TRUE(settled({pushed, pushed, pushed, pushed})) << ::testing::PrintToString(running());
    EXPECT_EQ(journal_.count(fmt::format("remove {} web", pushed)), 0);
    EXPECT_EQ(end_of(scale("web", 1)).state, DeploymentState::kLive);
  }
}

TEST_F(ProcessesTest, AnApplicationWithoutWebHasNoRoute) {
  repositories_.files["Procfile"] = "worker: work\n";
  start_process();
  push_until_live();
  EXPECT_THAT(running(), ElementsAre(1));
  EXPECT_THAT(*routed(), IsEmpty());
}

}  // namespace
}  // namespace paastech::controller
