#include "net/task.h"

#include <new>
#include <stdexcept>
#include <thread>

#include "net/test_support.h"

namespace paastech::net {
namespace {

using namespace std::chrono_literals;
using testing::run;

struct Fixture {
  asio::io_context loop;
  TaskGroup tasks{loop.get_executor()};
  Notifier notifier{loop.get_executor()};
  std::vector<std::string> seen;
};

Task<void> sleeper(Fixture& f, std::string name) {
  const Status slept = co_await sleep_for(1h);
  f.seen.push_back(name + (slept ? " slept" : " " + slept.error().message));
}

Task<void> thrower(Fixture& f) {
  (void)co_await sleep_for(1ms);
  f.seen.push_back("throws");
  throw std::runtime_error("on purpose");
}

Task<void> cancel_and_join(Fixture& f) {
  for (const char* name : {"a", "b"}) f.tasks.spawn(name, sleeper(f, name));
  EXPECT_EQ(f.tasks.size(), 2u);
  (void)co_await sleep_for(1ms);
  EXPECT_TRUE(f.seen.empty());
  f.tasks.cancel();
  co_await f.tasks.join();
  EXPECT_EQ(f.tasks.size(), 0u);
  EXPECT_EQ(f.seen, (std::vector<std::string>{"a the wait was cancelled", "b the wait was cancelled"}));
}

TEST(TaskGroup, CancelEndsSleepersAndJoinWaitsForThem) {
  Fixture f;
  run(f.loop, cancel_and_join(f));
}

Task<void> two_waits(Fixture& f) {
  (void)co_await sleep_for(1h);
  f.seen.push_back("first wait over");
  (void)co_await sleep_for(1h);
  f.seen.push_back("second wait over");
}

Task<void> cancelled_twice(Fixture& f) {
  f.tasks.spawn("two waits", two_waits(f));
  (void)co_await sleep_for(1ms);
  f.tasks.cancel();
  co_await f.tasks.join();
  EXPECT_EQ(f.seen, std::vector<std::string>{"first wait over"});
}

TEST(TaskGroup, ACancelledTaskStartsNoFurtherWait) {
  Fixture f;
  run(f.loop, cancelled_twice(f));
}

Task<void> note_start(Fixture& f) {
  f.seen.push_back("started");
  (void)co_await sleep_for(1h);
}

Task<void> cancelled_before_start(Fixture& f) {
  f.tasks.spawn("late", note_start(f));
  EXPECT_TRUE(f.seen.empty());  // the spawner is not re-entered
  f.tasks.cancel();
  co_await f.tasks.join();
  EXPECT_EQ(f.seen, std::vector<std::string>{"started"});
}

TEST(TaskGroup, ATaskCancelledBeforeItsStartStillRunsToItsFirstWait) {
  Fixture f;
  run(f.loop, cancelled_before_start(f));
}

Task<void> spawned_after_cancel(Fixture& f) {
  f.tasks.cancel();
  f.tasks.spawn("late", note_start(f));
  co_await f.tasks.join();
  EXPECT_EQ(f.seen, std::vector<std::string>{"started"});
}

TEST(TaskGroup, ATaskSpawnedAfterTheCancellationRunsToItsFirstWaitToo) {
  Fixture f;
  run(f.loop, spawned_after_cancel(f));
}

Task<void> one_throws(Fixture& f) {
  f.tasks.spawn("thrower", thrower(f));
  f.tasks.spawn("sleeper", sleeper(f, "other"));
  while (f.tasks.size() == 2) (void)co_await sleep_for(1ms);
  EXPECT_EQ(f.seen, std::vector<std::string>{"throws"});  // the other goes on
  f.tasks.cancel();
  co_await f.tasks.join();
  EXPECT_EQ(f.seen.size(), 2u);
}

TEST(TaskGroup, AnExceptionEndsThatTaskOnly) {
  Fixture f;
  run(f.loop, one_throws(f));
}

Task<void> spawn_another(Fixture& f) {
  f.tasks.spawn("child", thrower(f));
  co_return;
}

Task<void> join_with_children(Fixture& f) {
  f.tasks.spawn("parent", spawn_another(f));
  co_await f.tasks.join();
  EXPECT_EQ(f.seen, std::vector<std::string>{"throws"});
}

TEST(TaskGroup, JoinAlsoWaitsForWhatATaskSpawned) {
  Fixture f;
  run(f.loop, join_with_children(f));
}

Task<void> waiter(Fixture& f) {
  co_await f.notifier.wait(1h);
  f.seen.push_back("woken");
}

TEST(TaskGroup, CanBeCancelledWhileTheLoopStandsStill) {
  Fixture f;
  f.tasks.spawn("waiter", waiter(f));
  f.loop.poll();
  f.notifier.notify();  // the task will have ended when the cancellation reaches it
  f.tasks.cancel();
  run(f.loop, f.tasks.join());
  EXPECT_EQ(f.seen, std::vector<std::string>{"woken"});
}

Task<void> wake_all(Fixture& f) {
  for (int i = 0; i < 3; ++i) f.tasks.spawn("waiter", waiter(f));
  (void)co_await sleep_for(1ms);
  EXPECT_TRUE(f.seen.empty());
  f.notifier.notify();
  f.notifier.notify();  // twice before they run is as good as once
  co_await f.tasks.join();
  EXPECT_EQ(f.seen.size(), 3u);
}

TEST(Notifier, WakesEveryWaiterAtOnce) {
  Fixture f;
  run(f.loop, wake_all(f));
}

Task<void> time_out(Fixture& f) {
  const auto began = std::chrono::steady_clock::now();
  f.notifier.notify();  // before the wait: does not count
  co_await f.notifier.wait(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
}

TEST(Notifier, ReturnsAtTheTimeout) {
  Fixture f;
  run(f.loop, time_out(f));
}

Task<void> cancel_waiter(Fixture& f) {
  f.tasks.spawn("waiter", waiter(f));
  (void)co_await sleep_for(1ms);
  f.tasks.cancel();
  co_await f.tasks.join();
  EXPECT_EQ(f.seen, std::vector<std::string>{"woken"});
  f.notifier.notify();  // nobody is left on the list
}

TEST(Notifier, ReturnsOnCancellation) {
  Fixture f;
  run(f.loop, cancel_waiter(f));
}

Task<void> block(BlockingPool& pool, asio::io_context& loop) {
  const std::thread::id here = std::this_thread::get_id();
  std::thread::id there = co_await pool.run([] { return std::this_thread::get_id(); });
  EXPECT_TRUE(here != there);
  EXPECT_TRUE(loop.get_executor().running_in_this_thread());
}

TEST(BlockingPool, RunsElsewhereAndResumesOnTheLoop) {
  asio::io_context loop;
  BlockingPool pool(1);
  run(loop, block(pool, loop));
}

Task<void> fail_in_pool(BlockingPool& pool, asio::io_context& loop) {
  bool caught = false;
  try {
    [[maybe_unused]] int value = co_await pool.run([]() -> int { throw std::bad_alloc(); });
  } catch (const std::bad_alloc&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
  EXPECT_TRUE(loop.get_executor().running_in_this_thread());
  int after = co_await pool.run([] { return 7; });
  EXPECT_EQ(after, 7);
}

TEST(BlockingPool, HandsAnExceptionToWhoAwaitsIt) {
  asio::io_context loop;
  BlockingPool pool(1);
  run(loop, fail_in_pool(pool, loop));
}

}  // namespace
}  // namespace paastech::net
