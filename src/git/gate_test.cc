#include "git/gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace paastech::git {
namespace {

using Turn = DeployGate::Turn;
constexpr auto kNever = [] { return false; };
constexpr auto kQuiet = [] {};

struct Waiter {
  explicit Waiter(DeployGate& gate, std::function<bool()> cancelled = kNever) {
    turn = std::async(std::launch::async,
                      [this, &gate, cancelled] { return gate.enter("p", [this] { waiting.set_value(); }, cancelled); });
    waiting.get_future().wait();
  }
  std::promise<void> waiting;
  std::future<Turn> turn;
};

TEST(DeployGate, GivesTheTurnToTheWaitingOneAfterTheFirstHasLeft) {
  DeployGate gate;
  ASSERT_EQ(gate.enter("p", kQuiet, kNever), Turn::kMine);
  Waiter second(gate);
  EXPECT_EQ(second.turn.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  gate.leave("p");
  EXPECT_EQ(second.turn.get(), Turn::kMine);
  gate.leave("p");
}

TEST(DeployGate, LetsTheNewerWaitingPushOvertake) {
  DeployGate gate;
  ASSERT_EQ(gate.enter("p", kQuiet, kNever), Turn::kMine);
  Waiter second(gate);
  Waiter third(gate);
  EXPECT_EQ(second.turn.get(), Turn::kOvertaken);
  gate.leave("p");
  EXPECT_EQ(third.turn.get(), Turn::kMine);
  gate.leave("p");
}

TEST(DeployGate, ProjectsDoNotWaitForEachOther) {
  DeployGate gate;
  ASSERT_EQ(gate.enter("p", kQuiet, kNever), Turn::kMine);
  EXPECT_EQ(gate.enter("q", kQuiet, kNever), Turn::kMine);
  gate.leave("p");
  gate.leave("q");
}

TEST(DeployGate, ACancelledWaiterGivesUpAndTheGateStaysUsable) {
  DeployGate gate;
  ASSERT_EQ(gate.enter("p", kQuiet, kNever), Turn::kMine);
  std::atomic<bool> gone = false;
  Waiter second(gate, [&] { return gone.load(); });
  gone = true;
  gate.poke();
  EXPECT_EQ(second.turn.get(), Turn::kCancelled);
  gate.leave("p");
  EXPECT_EQ(gate.enter("p", kQuiet, kNever), Turn::kMine);
  gate.leave("p");
}

}  // namespace
}  // namespace paastech::git
