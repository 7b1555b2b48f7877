#include "store/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "store/sqlite_session.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Migration kFirst{1, "first", "CREATE TABLE a (x INTEGER);"};
const Migration kSecond{2, "second",
                        "CREATE TABLE b (x INTEGER);\nINSERT INTO a VALUES (1);\nCREATE TABLE c (x INTEGER);"};

struct MigrateTest : testing::Test {
  FreshPlace place;
  std::string path = place.path();

  std::unique_ptr<soci::session> connect() const { return place.connect(); }
  std::string tables() const {
    const auto sql = connect();
    std::string name;
    std::string names;
    soci::statement statement =
        (sql->prepare << (FreshPlace::postgresql() ? "SELECT tablename FROM pg_tables WHERE schemaname = "
                                                     "current_schema() AND tablename NOT LIKE 'schema%' ORDER BY 1"
                                                   : "SELECT name FROM sqlite_master WHERE type = 'table' "
                                                     "AND name NOT LIKE 'schema%' ORDER BY 1"),
         soci::into(name));
    statement.execute();
    while (statement.fetch()) names += (names.empty() ? "" : ",") + name;
    return names;
  }
  std::int64_t version() const {
    std::int64_t newest = 0;
    const auto sql = connect();
    *sql << "SELECT COALESCE(MAX(version), 0) FROM schema_migrations", soci::into(newest);
    return newest;
  }
};

TEST_F(MigrateTest, AppliesEachOnceAndInOrder) {
  ASSERT_TRUE(migrate(*connect(), {kFirst}, path));
  EXPECT_EQ(tables(), "a");
  ASSERT_TRUE(migrate(*connect(), {kFirst, kSecond}, path));
  ASSERT_TRUE(migrate(*connect(), {kFirst, kSecond}, path));
  EXPECT_EQ(tables(), "a,b,c");
  EXPECT_EQ(version(), 2);
  int rows = 0;
  *connect() << "SELECT COUNT(*) FROM a", soci::into(rows);
  EXPECT_EQ(rows, 1);
}

TEST_F(MigrateTest, OneThatFailsHalfWayLeavesNothingOfItself) {
  const Migration broken{2, "second", "CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);"};
  const Status status = migrate(*connect(), {kFirst, broken}, path);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("nowhere"));
  EXPECT_EQ(tables(), "a");
  EXPECT_EQ(version(), 1);
  ASSERT_TRUE(migrate(*connect(), {kFirst, kSecond}, path));
  EXPECT_EQ(tables(), "a,b,c");
}

void die(sqlite_api::sqlite3_context*, int, sqlite_api::sqlite3_value**) { ::raise(SIGKILL); }

// Kills this process in the middle of a migration: in a function of SQLite's, or while the server is at a statement.
[[noreturn]] void migrate_and_die(const FreshPlace& place) {
  const auto sql = place.connect();
  std::string last = "SELECT pg_sleep(60);";
  if (!FreshPlace::postgresql()) {
    *sql << "PRAGMA journal_mode=WAL";
    sqlite_api::sqlite3_create_function(sqlite_connection(*sql), "die", 0, SQLITE_UTF8, nullptr, die, nullptr, nullptr);
    last = "SELECT die();";
  } else {
    int backend = 0;
    *sql << "SELECT pg_backend_pid()", soci::into(backend);
    std::thread([&place, backend] {
      const auto observer = place.connect();
      int asleep = 0;
      while (asleep == 0)
        *observer << "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = :pid AND wait_event = 'PgSleep'",
            soci::use(backend), soci::into(asleep);
      ::raise(SIGKILL);
    }).detach();
  }
  const Migration deadly{2, "second", "CREATE TABLE b (x INTEGER); INSERT INTO a VALUES (1); " + last};
  [[maybe_unused]] const Status never = migrate(*sql, {kFirst, deadly}, place.path());
  ::_exit(1);
}

TEST_F(MigrateTest, OneThatIsKilledHalfWayRunsAgainAtTheNextStart) {
  const pid_t child = ::fork();
  if (child == 0) migrate_and_die(place);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(tables(), "a");
  EXPECT_EQ(version(), 1);
  ASSERT_TRUE(migrate(*connect(), {kFirst, kSecond}, path));
  EXPECT_EQ(tables(), "a,b,c");
  EXPECT_EQ(version(), 2);
}

TEST_F(MigrateTest, ADatabaseOfANewerProgramIsRefusedAndLeftAlone) {
  ASSERT_TRUE(migrate(*connect(), {kFirst, kSecond}, path));
  const Status status = migrate(*connect(), {kFirst}, path);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(status.error().message, HasSubstr("schema version 2, but this program knows only up to 1"));
  EXPECT_FALSE(status.error().hint.empty());
  EXPECT_EQ(version(), 2);
}

TEST_F(MigrateTest, ProgramsThatStartAtOnceAgree) {
  // Of a new file of SQLite: one of 14 starts like these used to find it locked.
  for (int round = 0; round < 10; ++round) {
    const FreshPlace fresh;
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      children.push_back(::fork());
      if (children.back() != 0) continue;
      const auto opened = Database::open(fresh.url());
      if (!opened) std::cerr << "a program that started: " << opened.error().message << "\n";
      ::_exit(opened ? 0 : 1);
    }
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "round " << round;
    }
    std::int64_t applied = 0;
    *fresh.connect() << "SELECT COUNT(*) FROM schema_migrations", soci::into(applied);
    EXPECT_EQ(applied, static_cast<std::int64_t>(known_migrations().size())) << "round " << round;
  }
}

TEST_F(MigrateTest, DatabaseOpenRefusesANewerOne) {
  ASSERT_TRUE(Database::open(place.url()));
  *connect() << "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'future', 1)";
  const auto opened = Database::open(place.url());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
}

TEST(Migrations, AreNumberedWithoutGaps) {
  std::int64_t expected = 1;
  for (const Migration& migration : known_migrations()) {
    EXPECT_EQ(migration.version, expected++);
    EXPECT_FALSE(migration.name.empty());
    EXPECT_FALSE(split_statements(migration.sql).empty());
  }
  EXPECT_GT(expected, 1);
}

TEST(Migrations, AreSplitAtSemicolonsOutsideQuotesAndComments) {
  EXPECT_THAT(
      split_statements("-- it's; one\nCREATE TABLE a (\n  x TEXT -- a; b'c\n);\nINSERT INTO a VALUES ('it''s; --x'); "),
      ElementsAre("CREATE TABLE a (\n  x TEXT \n)", "INSERT INTO a VALUES ('it''s; --x')"));
  EXPECT_THAT(split_statements("SELECT 1 -- end"), ElementsAre("SELECT 1"));
  EXPECT_TRUE(split_statements(" ;; -- nothing").empty());
}

}  // namespace
}  // namespace paastech::store
