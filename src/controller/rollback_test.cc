// Which earlier Deployment one goes back to, what of it runs, and what is refused before anything changes.
#include <fmt/format.h>

#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RollbackTest : public ControllerTest {
 protected:
  RollbackTest() { repositories_.files["Procfile"] = "web: serve\nworker: work\n"; }
  void push_until_live() { ASSERT_EQ(end_of(push()).state, DeploymentState::kLive); }
  Result<store::DeploymentRow> asked_back(std::int64_t number = 0) {
    return run(controller().roll_back(project_.id, owner_.id, number));
  }
  std::int64_t roll_back(std::int64_t number = 0) {
    const Result<store::DeploymentRow> row = asked_back(number);
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->number : 0;
  }
  std::string image(std::int64_t number) const { return fmt::format("paastech/{}:{}", project_.id, number); }
  std::size_t rows() {
    const auto all = database_.read([&](store::Tx& tx) { return store::list_deployments(tx, project_.id, 100, 0); });
    return all ? all->size() : 0;
  }
  bool settled(Numbers numbers) {
    return eventually([&] { return running() == numbers; });
  }
};

TEST_F(RollbackTest, ARollbackRunsTheEarlierImageEnvironmentAndProcessesWithoutABuild) {
  start_process();
  set_variable("blue");
  push_until_live();
  set_variable("green");
  repositories_.files["Procfile"] = "web: other\n";
  push_until_live();
  const std::ptrdiff_t builds = journal_.count("build 1") + journal_.count("build 2");
  const store::DeploymentRow row = end_of(roll_back());
  EXPECT_EQ(row.state, DeploymentState::kLive);
  EXPECT_EQ(row.origin, 1);
  EXPECT_EQ(engine_.variable(3, "COLOUR"), "blue");
  EXPECT_EQ(engine_.group(3).image(), engine_.group(1).image());
  EXPECT_THAT(engine_.group(3).command(), ElementsAre("/bin/sh", "-c", "serve"));
  EXPECT_EQ(journal_.count("build 1") + journal_.count("build 2") + journal_.count("build 3"), builds);
  EXPECT_TRUE(settled({3, 3})) << ::testing::PrintToString(running());
}

TEST_F(RollbackTest, ARollbackToWhatNeverWasLiveIsRefused) {
  start_process();
  const Result<store::DeploymentRow> none = run(controller().roll_back(project_.id, owner_.id, 0));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  push_until_live();
  engine_.build_fails = true;
  end_of(push());
  const Result<store::DeploymentRow> failed = run(controller().roll_back(project_.id, owner_.id, 2));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("never became live"));
  EXPECT_FALSE(run(controller().roll_back(project_.id, owner_.id, 1)));
}

TEST_F(RollbackTest, WithoutANumberItGoesToTheNewestThatBringsSomethingElse) {
  start_process();
  push_until_live();
  push_until_live();
  end_of(redeploy(DeploymentCause::kRestart));
  EXPECT_EQ(end_of(change_scale({"web", 2, 0, 0})).state, DeploymentState::kLive);
  const store::DeploymentRow back = end_of(roll_back());
  EXPECT_EQ(back.origin, 1) << "2 to 4 run the same as what is live";
  EXPECT_EQ(back.image, image(1));
  EXPECT_TRUE(settled({5, 5, 5})) << ::testing::PrintToString(running());
}

TEST_F(RollbackTest, AnotherEnvironmentIsSomethingElseAndARestartAloneIsNot) {
  start_process();
  push_until_live();
  end_of(redeploy(DeploymentCause::kRestart));
  const Result<store::DeploymentRow> same = asked_back();
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, Code::kNotFound);
  EXPECT_THAT(same.error().message, HasSubstr("nothing to go back to"));
  EXPECT_EQ(rows(), 2U);
  end_of(change_environment("blue"));
  EXPECT_EQ(end_of(roll_back()).origin, 2);
  EXPECT_EQ(engine_.variable(4, "COLOUR"), "(unset)");
}

// The images of the live one and of the last five stay.
TEST_F(RollbackTest, OneWhoseImageWasTidiedAwayIsRefusedBeforeAnythingChanges) {
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  start_process();
  for (int i = 0; i < 8; ++i) push_until_live();
  ASSERT_TRUE(eventually([&] { return !engine_.has_image(image(1)) && !engine_.has_image(image(2)); }));
  const Result<store::DeploymentRow> refused = asked_back(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("the image of deployment 1 was removed"));
  EXPECT_THAT(refused.error().message, HasSubstr("these can be rolled back to: 7, 6, 5, 4, 3"));
  EXPECT_EQ(rows(), 8U);
  EXPECT_EQ(journal_.count("remove 8 web"), 0);
  EXPECT_EQ(state(8), "live");
  EXPECT_EQ(end_of(roll_back(3)).state, DeploymentState::kLive);
}

TEST_F(RollbackTest, WhereNoImageIsLeftItSaysSo) {
  start_process();
  push_until_live();
  push_until_live();
  engine_.lose_image(image(1));
  const Result<store::DeploymentRow> refused = asked_back();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("no other that was live before can be rolled back to"));
}

TEST_F(RollbackTest, WhereTheEngineCannotBeAskedNothingIsRecorded) {
  start_process();
  push_until_live();
  push_until_live();
  engine_.down = true;
  const Result<store::DeploymentRow> refused = asked_back(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(rows(), 2U);
  engine_.down = false;
  EXPECT_EQ(end_of(roll_back(1)).state, DeploymentState::kLive);
}

// Between the question and its turn.
TEST_F(RollbackTest, OneWhoseImageWentMeanwhileEndsNothingThatRuns) {
  repositories_.files["paastech.yaml"] = "strategy: recreate\n";
  start_process();
  push_until_live();
  push_until_live();
  engine_.build_gate.close();
  push();
  const std::int64_t back = roll_back(1);
  engine_.lose_image(image(1));
  engine_.build_gate.open();
  const store::DeploymentRow row = end_of(back);
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "image_missing");
  EXPECT_EQ(journal_.count("remove 3 web"), 0) << "what was live ended for it";
  EXPECT_TRUE(settled({3, 3})) << ::testing::PrintToString(running());
  EXPECT_THAT(*routed(), ElementsAre(3));
}

}  // namespace
}  // namespace paastech::controller
