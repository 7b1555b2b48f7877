// The sealed environments of ended Deployments: as long as one can go back to them.
#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using ::testing::HasSubstr;

class SnapshotsTest : public ControllerTest {
 protected:
  // The numbers of those that have one, oldest first.
  Numbers kept() {
    Numbers out;
    EXPECT_TRUE(database_.read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(const auto rows, store::list_deployments(tx, project_.id, 1'000, 0));
      for (const store::DeploymentRow& row : rows)
        if (!row.environment.empty()) out.push_back(row.number);
      return {};
    }));
    std::ranges::reverse(out);
    return out;
  }
  bool settles_on(const Numbers& numbers) {
    return eventually([&] { return at_rest() && kept() == numbers; });
  }
  static Numbers from_to(std::int64_t first, std::int64_t last) {
    Numbers out;
    for (std::int64_t number = first; number <= last; ++number) out.push_back(number);
    return out;
  }
  Result<store::DeploymentRow> back_to(std::int64_t number) {
    return run(controller().roll_back(project_.id, owner_.id, number));
  }
};

TEST_F(SnapshotsTest, OfManyChangesTheLastTwentyAndTheNewestOfEachImageStay) {
  start_process();
  set_variable("first");
  go_live();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  for (int i = 3; i <= 30; ++i)
    ASSERT_EQ(end_of(change_environment("value " + std::to_string(i))).state, DeploymentState::kLive);
  Numbers expected = from_to(10, 30);  // 30 is live
  expected.insert(expected.begin(), 1);
  EXPECT_TRUE(settles_on(expected)) << ::testing::PrintToString(kept());

  const Result<store::DeploymentRow> refused = back_to(5);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("the environment of deployment 5 was removed"));
  EXPECT_THAT(refused.error().message, HasSubstr("these can be rolled back to: 29, 28"));
  const Result<store::DeploymentRow> oldest = back_to(10);
  ASSERT_TRUE(oldest) << oldest.error().message;
  EXPECT_EQ(end_of(oldest->number).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.variable(oldest->number, "COLOUR"), "value 10");
  const Result<store::DeploymentRow> other_image = back_to(1);
  ASSERT_TRUE(other_image) << other_image.error().message;
  EXPECT_EQ(end_of(other_image->number).state, DeploymentState::kLive);
  EXPECT_EQ(engine_.variable(other_image->number, "COLOUR"), "first");
}

TEST_F(SnapshotsTest, OfWhatDidNotBecomeLiveNoneStays) {
  start_process();
  go_live();
  engine_.build_fails = true;
  ASSERT_EQ(end_of(push()).state, DeploymentState::kFailed);
  EXPECT_TRUE(settles_on({1})) << ::testing::PrintToString(kept());
}

TEST_F(SnapshotsTest, OfAnImageThatIsGoneNoneStays) {
  start_process();
  for (int i = 0; i < 8; ++i) ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_TRUE(settles_on(from_to(3, 8))) << ::testing::PrintToString(kept());
}

// A change of scale goes on with the Instances of before, which may have to be made anew.
TEST_F(SnapshotsTest, ThatOfInstancesThatRunOnStays) {
  start_process();
  set_variable("of the first");
  go_live();
  for (int i = 2; i <= 30; ++i) ASSERT_EQ(end_of(change_scale({"web", i % 2 + 1, 0, 0})).state, DeploymentState::kLive);
  Numbers expected = from_to(10, 30);
  expected.insert(expected.begin(), 1);
  EXPECT_TRUE(settles_on(expected)) << ::testing::PrintToString(kept());
  EXPECT_EQ(engine_.variable(1, "COLOUR"), "of the first");
}

}  // namespace
}  // namespace paastech::controller
