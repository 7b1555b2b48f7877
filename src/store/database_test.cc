#include "store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "store/deployments.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::HasSubstr;
using testing::Not;

ClientRow client(const std::string& name) { return {new_uuid(), name + "@example.org", name, "hash", false, 1}; }

std::int64_t count(TestDatabase& database) {
  return database.read([](Tx& tx) { return count_clients(tx); }).value_or(-1);
}

// Starts a child that runs f and dies by SIGKILL inside it; false where it ended in another way.
template <class F>
bool killed_in(F f) {
  const pid_t child = ::fork();
  if (child == 0) {
    f();
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(Database, KeepsWhatWasWritten) {
  TestDatabase database;
  database.add_client("ann");
  database.reopen();
  EXPECT_EQ(count(database), 1);
}

TEST(Database, AnErrorOrExceptionOfTheWorkRollsBack) {
  TestDatabase database;
  const Status refused = database->write([](Tx& tx) -> Status {
    TRY(insert_client(tx, client("ann")));
    return fail(Code::kAborted, "no");
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kAborted);
  const Status thrown = database->write([](Tx& tx) -> Status {
    TRY(insert_client(tx, client("bob")));
    throw std::runtime_error("a bug");
  });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::kInternal);
  EXPECT_EQ(count(database), 0);
  database.add_client("cyd");  // and goes on working
  EXPECT_EQ(count(database), 1);
}

TEST(Database, AReaderCannotWrite) {
  TestDatabase database;
  const Status status = database->read([](Tx& tx) { return insert_client(tx, client("ann")); });
  ASSERT_FALSE(status);
  EXPECT_EQ(count(database), 0);
}

TEST(Database, ReadersSeeOneMomentAndDoNotWaitForTheWriter) {
  TestDatabase database;
  const Status status = database->write([&](Tx& tx) -> Status {
    TRY(insert_client(tx, client("ann")));
    EXPECT_EQ(count(database), 0);  // another connection, while this transaction is open
    return {};
  });
  ASSERT_TRUE(status);
  EXPECT_EQ(count(database), 1);
}

TEST(Database, ConcurrentWritersLoseNothing) {
  TestDatabase database;
  const ClientRow owner = database.add_client("ann");
  const ProjectRow project = database.add_project("hello", owner.id);
  constexpr int kThreads = 8;
  constexpr int kEach = 10;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        Status status = fail(Code::kUnavailable, "");
        // A slow disk may keep a writer waiting beyond its patience; that is an answer, not a loss.
        while (!status && status.error().code == Code::kUnavailable)
          status = database->write([&](Tx& tx) {
            DeploymentRow row;
            row.project_id = project.id;
            row.actor_id = owner.id;
            return insert_deployment(tx, row);
          });
        if (!status) ++failures;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  const auto rows = database.read([&](Tx& tx) { return list_deployments(tx, project.id, 1000, 0); });
  ASSERT_TRUE(rows);
  std::set<std::int64_t> numbers;
  for (const DeploymentRow& row : *rows) numbers.insert(row.number);
  ASSERT_EQ(numbers.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(*numbers.begin(), 1);
  EXPECT_EQ(*numbers.rbegin(), kThreads * kEach);
}

TEST(Database, WhileAnotherProgramLocksItWritersAreToldSoonAndReadersGoOn) {
  TestDatabase database;
  std::unique_ptr<soci::session> other = database.lock();
  const auto begin = std::chrono::steady_clock::now();
  std::atomic<int> unavailable = 0;
  std::vector<std::thread> threads;
  for (const std::string name : {"ann", "bob", "cyd", "dan"})
    threads.emplace_back([&, name] {
      const Status status = database->write([&](Tx& tx) { return insert_client(tx, client(name)); });
      if (!status && status.error().code == Code::kUnavailable && !status.error().hint.empty()) ++unavailable;
    });
  EXPECT_EQ(count(database), 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(unavailable, 4);
  // One after the other they would take 6 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  other.reset();
  database.add_client("eve");
  EXPECT_EQ(count(database), 1);
}

TEST(Database, AKilledWriterLeavesWhatItCommittedAndNothingElse) {
  TestDatabase database;
  const std::string url = database.url();
  database.close();
  ASSERT_TRUE(killed_in([&] {
    auto own = Database::open(url);
    if (!own || !(*own)->write([](Tx& tx) { return insert_client(tx, client("ann")); })) ::_exit(2);
    [[maybe_unused]] const Status never = (*own)->write([](Tx& tx) -> Status {
      TRY(insert_client(tx, client("bob")));
      ::raise(SIGKILL);
      return {};
    });
  }));
  database.reopen();
  EXPECT_EQ(count(database), 1);
  EXPECT_TRUE(database.read([](Tx& tx) { return find_client_by_email(tx, "ann@example.org"); }));
}

TEST(Database, ErrorsNeverShowTheValuesOfAStatement) {
  TestDatabase database;
  const std::string canary = "canary-5c1f";
  const ClientRow row{canary, canary, canary, canary, false, 1, 1};
  ASSERT_TRUE(database->write([&](Tx& tx) { return insert_client(tx, row); }));
  const Status twice = database->write([&](Tx& tx) { return insert_client(tx, row); });
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message + twice.error().hint, Not(HasSubstr(canary)));
  const Status refused = database->write([&](Tx& tx) -> Status {
    tx.sql << "INSERT INTO nowhere VALUES (:value)", soci::use(canary);
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInternal);
  EXPECT_THAT(refused.error().message, HasSubstr("nowhere"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr(canary)));
}

}  // namespace
}  // namespace paastech::store
