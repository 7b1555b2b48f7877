// Changes of configuration: what is stored and the Deployment that brings it into service are one transaction.
#include "controller/test_support.h"
#include "store/managed_clients.h"
#include "store/plans.h"
#include "store/scales.h"

namespace paastech::controller {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct ChangeTest : ControllerTest {
  // Stores a scale, which tells afterwards whether the change is there.
  Result<Changed> change(DeploymentCause cause, Result<bool> wanted = true) {
    const Change work = [project = project_.id, wanted](store::Tx& tx) -> Result<bool> {
      TRY(store::set_scale(tx, project, {"web", 2, 0, 0}));
      return wanted;
    };
    return run(controller().change(project_.id, owner_.id, cause, work));
  }
  std::vector<Scale> scales() {
    return database_.read([&](store::Tx& tx) { return store::list_scales(tx, project_.id); }).value();
  }
  std::vector<store::DeploymentRow> rows() {
    return database_.read([&](store::Tx& tx) { return store::list_deployments(tx, project_.id, 100, 0); }).value();
  }
  void limit_to(std::int64_t instances) {
    ASSERT_TRUE(database_.write([&](store::Tx& tx) -> Status {
      TRY(store::set_plan(tx,
                          {"small", {.projects = 1, .instances = instances, .memory_bytes = -1, .milli_cpus = -1}}));
      return store::set_plan_of(tx, owner_.id, "small");
    }));
  }
};

TEST_F(ChangeTest, IsStoredWithItsDeployment) {
  start_process();
  go_live();
  const Result<Changed> done = change(DeploymentCause::kScale);
  ASSERT_TRUE(done && done->admitted && done->deployment);
  EXPECT_THAT(scales(), ElementsAre(Scale{"web", 2}));
  EXPECT_EQ(done->deployment->image, rows().back().image) << "what people see of it at once";
  EXPECT_EQ(end_of(done->deployment->number).state, DeploymentState::kLive);
  EXPECT_EQ(running(), Numbers({1, 1}));
}

// The one comes after the other: an error between them must leave neither, as a kill does.
TEST_F(ChangeTest, WhoseDeploymentCannotBeEnteredIsNotStored) {
  start_process();
  go_live();
  ASSERT_TRUE(database_.write([&](store::Tx& tx) {  // opens nowhere, so there is no snapshot
    return store::set_environment(tx, project_.id, {"BROKEN", secrets_.seal("x", "elsewhere"), 1});
  }));
  EXPECT_FALSE(change(DeploymentCause::kConfig));
  EXPECT_THAT(scales(), IsEmpty());
  EXPECT_THAT(rows(), SizeIs(1));
  EXPECT_TRUE(at_rest());
}

TEST_F(ChangeTest, ThatFailsLeavesNothingAndMakesNoDeployment) {
  start_process();
  go_live();
  const Result<Changed> failed = change(DeploymentCause::kScale, fail(Code::kAborted, "somebody was quicker"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kAborted);
  EXPECT_THAT(scales(), IsEmpty());
  EXPECT_THAT(rows(), SizeIs(1));
}

TEST_F(ChangeTest, ThatWantsNoDeploymentIsStored) {
  start_process();
  go_live();
  const Result<Changed> done = change(DeploymentCause::kConfig, false);
  ASSERT_TRUE(done && done->admitted);
  EXPECT_FALSE(done->deployment);
  EXPECT_THAT(scales(), ElementsAre(Scale{"web", 2}));
  EXPECT_THAT(rows(), SizeIs(1));
}

TEST_F(ChangeTest, IsStoredWhereNoDeploymentIsAllowedAndSaysWhy) {
  start_process();
  const Result<Changed> early = change(DeploymentCause::kConfig);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->admitted.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(early->admitted.error().message, HasSubstr("no live deployment yet"));
  EXPECT_THAT(scales(), ElementsAre(Scale{"web", 2}));
  EXPECT_THAT(rows(), IsEmpty());
  ASSERT_TRUE(database_.write([&](store::Tx& tx) { return store::set_scale(tx, project_.id, {"web", 1, 0, 0}); }));
  go_live();
  limit_to(1);
  const Result<Changed> larger = change(DeploymentCause::kConfig);  // than the plan allows since
  ASSERT_TRUE(larger);
  EXPECT_EQ(larger->admitted.error().code, Code::kPermissionDenied);
  EXPECT_FALSE(larger->deployment);
  EXPECT_THAT(scales(), ElementsAre(Scale{"web", 2}));
  EXPECT_THAT(rows(), SizeIs(1));
}

TEST_F(ChangeTest, BehindTheFirstPushIsQueued) {
  start_process();
  engine_.build_gate.close();
  const std::int64_t first = push();
  ASSERT_TRUE(eventually([&] { return journal_.count("build 1") == 1; }));
  const Result<Changed> done = change(DeploymentCause::kConfig);
  ASSERT_TRUE(done && done->deployment);
  engine_.build_gate.open();
  EXPECT_EQ(end_of(first).state, DeploymentState::kLive);
  EXPECT_EQ(end_of(done->deployment->number).state, DeploymentState::kLive);
}

}  // namespace
}  // namespace paastech::controller
