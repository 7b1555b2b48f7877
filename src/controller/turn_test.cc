// Turn, Feed and DatabaseAccess.
#include "controller/turn.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "controller/database_access.h"
#include "controller/feed.h"
#include "net/test_support.h"
#include "store/test_database.h"

namespace paastech::controller {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct TurnTest : testing::Test {
  net::asio::io_context loop;
  std::shared_ptr<Turn> turn = std::make_shared<Turn>(loop.get_executor());
  std::vector<std::string> served;

  static net::Task<void> wait(std::shared_ptr<Turn> turn, std::shared_ptr<const bool> given_up, std::string name,
                              std::vector<std::string>& served) {
    const bool mine = co_await turn->take(given_up);
    served.push_back(mine ? name : name + " gave up");
    if (mine) turn->release();
  }
  void wait_as(net::TaskGroup& tasks, const std::string& name, std::shared_ptr<const bool> given_up = nullptr) {
    tasks.spawn(name, wait(turn, std::move(given_up), name, served));
    loop.restart();
    loop.poll();
  }
};

TEST_F(TurnTest, ServesInTheOrderOfArrival) {
  net::TaskGroup tasks(loop.get_executor());
  net::testing::run(loop, [](std::shared_ptr<Turn> t) -> net::Task<void> { co_await t->take(); }(turn));
  for (const char* name : {"a", "b", "c"}) wait_as(tasks, name);
  EXPECT_THAT(served, ElementsAre());
  turn->release();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(turn->busy());
}

TEST_F(TurnTest, WhileItIsLentGuestsComeOneByOneAndNobodyElse) {
  const auto visit = [this](const char* name) -> net::Task<void> {
    const bool guest = co_await turn->take_or_visit();
    served.push_back(std::string(name) + (guest ? " as a guest" : ""));
    if (!guest) turn->release();
  };
  const auto reclaim = [this]() -> net::Task<void> {
    co_await turn->reclaim();
    served.push_back("reclaimed");
  };
  net::TaskGroup tasks(loop.get_executor());
  net::testing::run(loop, [](std::shared_ptr<Turn> t) -> net::Task<void> { co_await t->take(); }(turn));
  tasks.spawn("a", visit("a"));
  wait_as(tasks, "b");
  EXPECT_THAT(served, ElementsAre());
  turn->lend();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a as a guest"));
  EXPECT_TRUE(turn->busy());
  tasks.spawn("c", visit("c"));
  tasks.spawn("reclaim", reclaim());
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a as a guest")) << "the guest is there still";
  turn->leave_visit();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a as a guest", "reclaimed"));
  turn->release();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a as a guest", "reclaimed", "b", "c"));
}

TEST_F(TurnTest, OneThatGivesUpLeavesAtOnceAndTheOthersAreServed) {
  net::TaskGroup tasks(loop.get_executor());
  net::testing::run(loop, [](std::shared_ptr<Turn> t) -> net::Task<void> { co_await t->take(); }(turn));
  const auto given_up = std::make_shared<bool>(false);
  wait_as(tasks, "a", given_up);
  wait_as(tasks, "b");
  *given_up = true;
  turn->look_again();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a gave up"));
  turn->release();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("a gave up", "b"));
}

TEST_F(TurnTest, AWaiterThatIsCancelledHoldsUpNobody) {
  net::TaskGroup tasks(loop.get_executor());
  net::TaskGroup doomed(loop.get_executor());
  net::testing::run(loop, [](std::shared_ptr<Turn> t) -> net::Task<void> { co_await t->take(); }(turn));
  wait_as(doomed, "a");
  wait_as(tasks, "b");
  doomed.cancel();
  loop.poll();
  turn->release();
  loop.poll();
  EXPECT_THAT(served, ElementsAre("b"));
  EXPECT_EQ(doomed.size(), 0u);
}

struct FeedTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-feed-" + new_uuid());
  net::asio::io_context loop;
  logs::DeploymentLog log{folder};
  std::shared_ptr<Feed> feed = std::make_shared<Feed>(loop.get_executor(), log, "p", 1);
  ~FeedTest() override { std::filesystem::remove_all(folder); }
  std::vector<std::string> next(Follower& follower) {
    std::vector<std::string> lines;
    net::testing::run(loop, [](Follower& f, std::vector<std::string>& out) -> net::Task<void> {
      out = co_await f.next();
    }(follower, lines));
    return lines;
  }
  // All that comes until the end; no batch is larger than a hundredth of a second's work.
  std::vector<std::string> all(Follower& follower) {
    std::vector<std::string> out;
    for (std::vector<std::string> lines = next(follower); !lines.empty(); lines = next(follower)) {
      EXPECT_LE(lines.size(), 1'025u);
      std::size_t bytes = 0;
      for (std::string& line : lines) {
        bytes += line.size();
        out.push_back(std::move(line));
      }
      EXPECT_LE(bytes, (64u << 10) + 4'096u);
    }
    return out;
  }
};

TEST_F(FeedTest, AFollowerGetsEveryLineOnceAndThenTheEnd) {
  FeedFollower follower(feed);
  feed->add("one\ntwo");
  EXPECT_THAT(next(follower), ElementsAre("one", "two"));
  feed->add("three");
  feed->end();
  EXPECT_THAT(next(follower), ElementsAre("three"));
  EXPECT_THAT(next(follower), ElementsAre());
}

TEST_F(FeedTest, ALongLineIsCutBetweenCharacters) {
  FeedFollower follower(feed);
  std::string line = "x";
  for (int i = 0; i < 3000; ++i) line += "é";  // two bytes each: the limit of 4096 falls into one
  feed->add(line);
  const std::vector<std::string> lines = next(follower);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines.front().size(), 4095u);
  EXPECT_TRUE(line.starts_with(lines.front()));
}

TEST_F(FeedTest, AFollowerFarBehindMissesTheOldestAndStillGetsTheEnd) {
  FeedFollower follower(feed);
  const std::string line(4000, 'x');
  for (int i = 0; i < 2000; ++i) feed->add(line);  // 8 MB
  feed->add("==> Failed");
  feed->end();
  const std::vector<std::string> lines = all(follower);
  EXPECT_THAT(lines.front(), HasSubstr("left out"));
  EXPECT_EQ(lines.back(), "==> Failed");
  EXPECT_LT(lines.size(), 600u);  // 2 MiB of memory
  FeedFollower late(feed);
  EXPECT_EQ(all(late).back(), "==> Failed");
}

TEST_F(FeedTest, ShortLinesCostToo) {
  FeedFollower follower(feed);
  for (int i = 0; i < 100; ++i) feed->add(std::string(999, '\n'));  // a thousand lines each
  feed->end();
  EXPECT_LT(all(follower).size(), 33'000u);  // 2 MiB by 64, and the one that says so
  store::TestDatabase database;
  net::BlockingPool pool(1);
  DatabaseAccess access(*database, pool, pool);
  EndedFollower ended(access, log, "p", 1);
  EXPECT_EQ(all(ended), log.read("p", 1));
}

TEST_F(FeedTest, WhatHasEndedIsReadFromTheFileLineByLine) {
  store::TestDatabase database;
  net::BlockingPool pool(1);
  DatabaseAccess access(*database, pool, pool);
  EndedFollower nothing(access, log, "p", 1);
  EXPECT_THAT(next(nothing), ElementsAre());
  for (int i = 0; i < 100; ++i) feed->add(std::to_string(i) + std::string(4'000, 'x') + "\n");
  EndedFollower ended(access, log, "p", 1);
  const std::vector<std::string> lines = all(ended);
  EXPECT_EQ(lines.size(), 200u);
  EXPECT_EQ(lines, log.read("p", 1));
}

TEST(DatabaseAccessTest, WhileTheDatabaseIsLockedAllWritesFailWithinTwoSecondsAndReadsGoOn) {
  store::TestDatabase database;
  const auto other = database.lock();
  net::asio::io_context loop;
  net::BlockingPool writes(1);
  net::BlockingPool reads(2);
  DatabaseAccess access(*database, writes, reads);
  const auto began = std::chrono::steady_clock::now();
  constexpr int kWrites = 10;
  std::vector<Code> codes;
  for (int i = 0; i < kWrites; ++i) {
    auto work = [](store::Tx&) { return Status{}; };
    net::asio::co_spawn(loop, access.write(work), [&](const std::exception_ptr&, const Status& status) {
      codes.push_back(status ? Code::kInternal : status.error().code);
    });
  }
  bool read = false;
  auto look = [](store::Tx& tx) { return store::list_projects(tx, ""); };
  net::asio::co_spawn(loop, access.read(look), [&](const std::exception_ptr&, const auto& rows) {
    read = rows.has_value();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  });
  loop.run();
  EXPECT_TRUE(read);
  EXPECT_EQ(codes, std::vector<Code>(kWrites, Code::kUnavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

}  // namespace
}  // namespace paastech::controller
