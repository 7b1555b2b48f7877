// How long requests under way are waited for: as long as the Application that leaves says.
#include <fmt/format.h>

#include "controller/test_support.h"
#include "store/scales.h"

namespace paastech::controller {
namespace {

class DrainTest : public ControllerTest {
 protected:
  DrainTest() { repositories_.files["paastech.yaml"] = manifest("blue-green", 7); }
  static std::string manifest(const std::string& strategy, int seconds) {
    return fmt::format("strategy: {}\nprocesses: {{web: {{drain: {}}}}}\n", strategy, seconds);
  }
  void live(int count = 1) {
    EXPECT_TRUE(
        database_.write([&](store::Tx& tx) { return store::set_scale(tx, project_.id, {"web", count, 0, 0}); }));
    start_process();
    go_live();
    router_.drain_ms = -1;
  }
  bool drained_for(int seconds) {
    return eventually([&] { return router_.drain_ms >= 0; }) && router_.drain_ms == seconds * 1000;
  }
};

TEST_F(DrainTest, ThatOfTheOldVersionCountsAndNotOfTheNew) {
  live();
  repositories_.files["paastech.yaml"] = manifest("blue-green", 9);
  ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
  EXPECT_TRUE(drained_for(7)) << router_.drain_ms;
}

TEST_F(DrainTest, OneByOneAndAfterTheEndToo) {
  live();
  for (const char* strategy : {"rolling", "recreate"}) {
    repositories_.files["paastech.yaml"] = manifest(strategy, 7);
    ASSERT_TRUE(at_rest());
    router_.drain_ms = -1;
    ASSERT_EQ(end_of(push()).state, DeploymentState::kLive);
    EXPECT_TRUE(drained_for(7)) << strategy << " " << router_.drain_ms;
  }
  ASSERT_TRUE(at_rest());
  router_.drain_ms = -1;
  ASSERT_EQ(end_of(redeploy(DeploymentCause::kRestart)).state, DeploymentState::kLive);
  EXPECT_TRUE(drained_for(7)) << "restart " << router_.drain_ms;
}

TEST_F(DrainTest, OfASmallerScale) {
  live(2);
  end_of(change_scale({"web", 1, 0, 0}));
  EXPECT_TRUE(drained_for(7)) << router_.drain_ms;
}

TEST_F(DrainTest, OfAStop) {
  live();
  ASSERT_TRUE(run(controller().stop_application(project_.id)));
  EXPECT_TRUE(drained_for(7)) << router_.drain_ms;
}

}  // namespace
}  // namespace paastech::controller
