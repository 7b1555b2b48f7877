#include "controller/test_support.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

struct RemovalTest : ControllerTest {
  bool gone() { return !stored_project() && stored_project().error().code == Code::kNotFound; }
};

TEST_F(RemovalTest, TakesRoutesInstancesRepositoryAndRow) {
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  const Result<Removal> removed = run(controller().delete_project(project_.id));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->containers, 1);
  EXPECT_THAT(removed->leftovers, IsEmpty());
  EXPECT_TRUE(gone());
  EXPECT_FALSE(routed());
  EXPECT_THAT(log_.read(project_.id, 1), IsEmpty());
  EXPECT_LT(journal_.last("publish"), journal_.last("remove project " + project_.id));
  EXPECT_EQ(journal_.count("remove repository"), 1);
}

TEST_F(RemovalTest, EndsWhatIsBuildingAndQueuedFirst) {
  start_process();
  engine_.build_gate.close();
  push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  change_environment("green");
  const Result<Removal> removed = run(controller().delete_project(project_.id));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_TRUE(gone());
  EXPECT_TRUE(eventually([&] { return journal_.count("build cancelled 1") == 1; }));
  EXPECT_EQ(journal_.count("ensure 2"), 0);
  EXPECT_THAT(running(), IsEmpty());
}

TEST_F(RemovalTest, AnInterruptedOneIsFinishedAfterARestart) {
  leave_row(DeploymentCause::kPush, DeploymentState::kLive, "paastech/x:1");
  engine_.add_instance(project_.id, 1);
  ASSERT_TRUE(database_.write([&](store::Tx& tx) { return store::set_deleting(tx, project_.id); }));
  start_process();
  EXPECT_TRUE(eventually([&] { return gone(); }));
  EXPECT_THAT(running(), IsEmpty());
  EXPECT_FALSE(routed());
  EXPECT_EQ(journal_.count("ensure 1"), 0);
}

TEST_F(RemovalTest, WithoutAnAnswerTheRowStaysAndNothingNewBegins) {
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  for (std::atomic<bool>* peer : {&engine_.down, &router_.down, &repositories_.down}) {
    *peer = true;
    const Result<Removal> removed = run(controller().delete_project(project_.id));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Code::kUnavailable);
    ASSERT_TRUE(stored_project());
    EXPECT_TRUE(stored_project()->deleting);
    *peer = false;
  }
  const auto refused = run(controller().deploy_commit(project_.id, owner_.id, std::string(40, 'a')));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("being deleted"));
  EXPECT_FALSE(run(controller().stop_application(project_.id)));
  EXPECT_TRUE(run(controller().delete_project(project_.id)));
  EXPECT_TRUE(gone());
}

TEST_F(RemovalTest, OneThatNobodyAnsweredGoesOnByItself) {
  start_process();
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  ASSERT_TRUE(at_rest());
  repositories_.down = true;
  ASSERT_FALSE(run(controller().delete_project(project_.id)));
  repositories_.down = false;
  EXPECT_TRUE(eventually([&] { return gone(); }));
}

TEST_F(RemovalTest, AProjectThatCannotBeEnteredLeavesNoRepository) {
  start_process();
  store::ProjectRow taken = project_;
  taken.id = new_uuid();
  const Status created = run(controller().create_project(taken));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kAlreadyExists);
  EXPECT_EQ(journal_.count("create repository"), 1);
  EXPECT_EQ(journal_.count("remove repository"), 1);
}

TEST_F(RemovalTest, AProjectWithoutARepositoryIsNotEntered) {
  start_process();
  repositories_.down = true;
  store::ProjectRow fresh = project_;
  fresh.id = new_uuid();
  fresh.name = "fresh";
  const Status created = run(controller().create_project(fresh));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, Code::kUnavailable);
  EXPECT_FALSE(database_.read([&](store::Tx& tx) { return store::find_project(tx, fresh.id); }));
}

}  // namespace
}  // namespace paastech::controller
