// What a rollout does where the Engine, the ingress or the database is away for a while.
#include <functional>

#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

struct AwayTest : ControllerTest {
  AwayTest() { start_process(); }
};

TEST_F(AwayTest, OneThatTheIngressDoesNotAcknowledgeFailsAndKeepsTheOld) {
  go_live();
  router_.down = true;
  EXPECT_EQ(end_of(push()).state, DeploymentState::kFailed);
  router_.down = false;
  EXPECT_EQ(end_of(redeploy()).state, DeploymentState::kLive);  // publishes; what it took over was the old one's
  EXPECT_EQ(state(1), "superseded");
  EXPECT_THAT(routed(), Optional(ElementsAre(3)));
}

TEST_F(AwayTest, WhatAFailedOneLeftWhileTheIngressWasAwayGoesSoonAfterItIsBack) {
  go_live();
  router_.down = true;
  const std::int64_t failed = push();
  EXPECT_EQ(end_of(failed).state, DeploymentState::kFailed);
  router_.down = false;  // and nothing else happens: no event, and the next comparison is a minute away
  EXPECT_TRUE(eventually([&] { return running() == Numbers({1}); })) << ::testing::PrintToString(running());
  EXPECT_THAT(routed(), Optional(ElementsAre(1)));
}

TEST_F(AwayTest, WhatWasAcknowledgedIsTriedAgainUntilWhoIsAwayIsBack) {
  go_live();
  const std::pair<const char*, std::function<void(bool)>> neighbours[] = {
      {"the Docker Engine does not answer", [&](bool away) { engine_.down = away; }},
      {"the ingress does not answer", [&](bool away) { router_.down = away; }},
  };
  for (const auto& [said, set_away] : neighbours) {
    set_away(true);
    const std::int64_t changed = change_environment("green");
    ASSERT_TRUE(eventually([&] { return output(changed).find("trying again") != std::string::npos; })) << said;
    EXPECT_THAT(output(changed), HasSubstr(said));
    set_away(false);
    EXPECT_EQ(end_of(changed).state, DeploymentState::kLive) << said;
    EXPECT_EQ(engine_.variable(changed, "COLOUR"), "green");
    EXPECT_THAT(routed(), Optional(ElementsAre(changed)));
  }
}

TEST_F(AwayTest, WhatIsTriedAgainEndsAfterAMinuteOrWhereAPersonCancelsIt) {
  go_live();
  engine_.down = true;
  const std::int64_t given_up = change_environment("green");
  ASSERT_TRUE(eventually([&] { return output(given_up).find("trying again") != std::string::npos; }));
  clock_.now += 60'000;
  EXPECT_EQ(end_of(given_up).state, DeploymentState::kFailed);
  EXPECT_THAT(output(given_up), HasSubstr("Failed: "));
  const std::int64_t cancelled = change_environment("blue");
  ASSERT_TRUE(eventually([&] { return output(cancelled).find("trying again") != std::string::npos; }));
  EXPECT_TRUE(run(process_->controller.cancel(project_.id, cancelled)));
  EXPECT_EQ(state(cancelled), "cancelled");
}

TEST_F(AwayTest, WhileTheDatabaseIsLockedAllChangesAreRefusedInTime) {
  go_live();
  const auto other = database_.lock();
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::optional<Result<store::DeploymentRow>>> rows(4);
  for (auto& row : rows) start(controller().redeploy(project_.id, owner_.id, DeploymentCause::kConfig), row);
  ASSERT_TRUE(eventually([&] { return std::ranges::all_of(rows, [](const auto& row) { return row.has_value(); }); }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4500ms);  // one after the other it would be four times 1.5 s
  for (const auto& row : rows) {
    ASSERT_FALSE(*row);
    EXPECT_EQ(row->error().code, Code::kUnavailable);
  }
}

TEST_F(AwayTest, ALockedDatabaseDelaysARolloutButDoesNotEndIt) {
  go_live();
  engine_.build_gate.close();
  const std::int64_t pushed = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 2") == 1; }));
  auto other = database_.lock();
  engine_.build_gate.open();
  std::optional<Result<store::DeploymentRow>> ended;
  start(controller().wait(project_.id, pushed), ended);
  const auto until = std::chrono::steady_clock::now() + 1800ms;  // longer than one attempt
  while (std::chrono::steady_clock::now() < until) io_.run_for(10ms);
  EXPECT_FALSE(ended);
  other.reset();
  ASSERT_TRUE(eventually([&] { return ended.has_value(); }));
  EXPECT_EQ((*ended)->state, DeploymentState::kLive);
}

}  // namespace
}  // namespace paastech::controller
