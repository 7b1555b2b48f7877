// When the release command runs, and what comes of it.
#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ReleaseTest : public ControllerTest {
 protected:
  void push_until_live() { ASSERT_EQ(end_of(push()).state, DeploymentState::kLive); }
  void go_live_with_release() {
    repositories_.files["Procfile"] = "web: serve\nrelease: migrate\n";
    start_process();
    push_until_live();
    ASSERT_EQ(releases(), 1);
  }
  std::ptrdiff_t releases() const { return journal_.count("run /bin/sh -c migrate"); }
  std::int64_t started() {
    const Result<store::DeploymentRow> row = run(controller().start_application(project_.id, owner_.id));
    EXPECT_TRUE(row) << row.error().message;
    return row ? row->number : 0;
  }
};

TEST_F(ReleaseTest, TheReleaseCommandRunsOnceBeforeAnythingStarts) {
  repositories_.files["Procfile"] = "web: serve\nrelease: migrate\n";
  start_process();
  push_until_live();
  EXPECT_EQ(journal_.count("run /bin/sh -c migrate"), 1);
  EXPECT_LT(journal_.last("run /bin/sh -c migrate"), journal_.last("ensure 1"));
  EXPECT_THAT(output(1), HasSubstr("    released"));
  end_of(redeploy(DeploymentCause::kRestart));
  EXPECT_EQ(journal_.count("run /bin/sh -c migrate"), 1);
  change_environment("blue");
  EXPECT_TRUE(eventually([&] { return journal_.count("run /bin/sh -c migrate") == 2; }));
}

TEST_F(ReleaseTest, AReleaseCommandThatFailsFailsTheDeployment) {
  start_process();
  push_until_live();
  repositories_.files["Procfile"] = "web: serve\nrelease: migrate\n";
  engine_.release_code = 3;
  const store::DeploymentRow row = end_of(push());
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "release_failed");
  EXPECT_THAT(row.message, HasSubstr("exit code 3"));
  EXPECT_EQ(journal_.count("ensure 2"), 0);
  EXPECT_THAT(*routed(), ElementsAre(1));
}

TEST_F(ReleaseTest, AStartRunsItForWhatWasSetWhileItWasStoppedAndOnlyThen) {
  go_live_with_release();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  EXPECT_EQ(end_of(started()).state, DeploymentState::kLive);
  EXPECT_EQ(releases(), 1) << "nothing had changed";
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  EXPECT_EQ(end_of(change_environment("blue")).state, DeploymentState::kCancelled);
  EXPECT_EQ(releases(), 1);
  EXPECT_EQ(end_of(started()).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.variable(4, "COLOUR"), "blue");
  EXPECT_EQ(releases(), 2);
  EXPECT_LT(journal_.last("run /bin/sh -c migrate"), journal_.last("ensure 4"));
}

TEST_F(ReleaseTest, AStartWhoseReleaseCommandFailsFailsAndTriesItAgainNextTime) {
  go_live_with_release();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  set_variable("blue");
  engine_.release_code = 3;
  EXPECT_EQ(end_of(started()).reason, "release_failed");
  engine_.release_code = 0;
  EXPECT_EQ(end_of(started()).state, DeploymentState::kLive);
  EXPECT_EQ(releases(), 3);
}

TEST_F(ReleaseTest, ARestartRunsItForTheChangeThatItTookThePlaceOf) {
  go_live_with_release();
  engine_.build_gate.close();
  const std::int64_t pushed = push();
  const std::int64_t changed = change_environment("blue");
  const std::int64_t restarted = redeploy(DeploymentCause::kRestart);
  EXPECT_EQ(state(changed), "cancelled");
  engine_.build_gate.open();
  EXPECT_EQ(end_of(restarted).state, DeploymentState::kLive);
  EXPECT_EQ(state(pushed), "superseded");
  EXPECT_EQ(engine_.variable(restarted, "COLOUR"), "blue");
  EXPECT_EQ(releases(), 3) << "for the push, with the values of before, and for the restart";
  EXPECT_EQ(end_of(redeploy(DeploymentCause::kRestart)).state, DeploymentState::kLive);
  EXPECT_EQ(releases(), 3) << "a plain restart";
}

TEST_F(ReleaseTest, AChangeOrARollbackThatComesToTheSameRunsNone) {
  go_live_with_release();
  end_of(change_environment("blue"));
  EXPECT_EQ(releases(), 2);
  end_of(redeploy());
  EXPECT_EQ(releases(), 2);
  for (const std::int64_t number : {2, 1}) {
    const Result<store::DeploymentRow> back = run(controller().roll_back(project_.id, owner_.id, number));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(end_of(back->number).state, DeploymentState::kLive);
    EXPECT_EQ(releases(), number == 2 ? 2 : 3);
  }
}

TEST_F(ReleaseTest, AnImageThatIsNotThereIsNoFailureOfTheCommand) {
  go_live_with_release();
  engine_.lose_image("paastech/" + project_.id + ":1");
  const store::DeploymentRow row = end_of(change_environment("blue"));
  EXPECT_EQ(row.state, DeploymentState::kFailed);
  EXPECT_EQ(row.reason, "image_missing");
  EXPECT_THAT(row.message, HasSubstr("is not there any more"));
}

}  // namespace
}  // namespace paastech::controller
