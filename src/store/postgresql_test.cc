#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include <atomic>
#include <thread>

#include "store/sql_error.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// What only a server can do; CTest runs these with the fixture `postgres`.
struct Postgresql : testing::Test {
  void SetUp() override {
    if (!FreshPlace::postgresql()) GTEST_SKIP() << "PAASTECH_TEST_DATABASE_URL names no server";
  }
  static void end_session(int pid) {
    const FreshPlace place;
    std::string done;
    *place.connect() << "SELECT pg_terminate_backend(:pid)::text", soci::use(pid), soci::into(done);
    ASSERT_EQ(done, "true");
  }
};

TEST_F(Postgresql, ABrokenConnectionIsReplacedWithoutTheCallersNotice) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  int pid = 0;
  const auto remember = [&pid](Tx& tx) -> Status {
    tx.sql << "SELECT pg_backend_pid()", soci::into(pid);
    return {};
  };
  ASSERT_TRUE(database->write(remember));
  const int before = pid;
  end_session(before);
  ASSERT_TRUE(database->write(remember)) << "the next call";
  EXPECT_NE(pid, before);
  EXPECT_TRUE(database.read([&](Tx& tx) { return find_client(tx, ann.id); }));
}

TEST_F(Postgresql, AConnectionThatBreaksInAChangeRollsItBackAndSaysUnavailable) {
  TestDatabase database;
  const Status status = database->write([&](Tx& tx) -> Status {
    TRY(insert_client(tx, {new_uuid(), "a@example.org", "ann", "hash", false, 1, 1}));
    int pid = 0;
    tx.sql << "SELECT pg_backend_pid()", soci::into(pid);
    end_session(pid);
    tx.sql << "SELECT 1", soci::into(pid);
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable) << status.error().message;
  EXPECT_EQ(database.read([](Tx& tx) { return count_clients(tx); }).value_or(-1), 0);
}

TEST_F(Postgresql, AStatementThatTakesTooLongIsEndedInTime) {
  TestDatabase database;
  const auto began = std::chrono::steady_clock::now();
  const Status status = database->read([](Tx& tx) -> Status {
    std::string none;
    tx.sql << "SELECT pg_sleep(60)", soci::into(none);
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);  // and not the minute
}

// The server's own limit is lifted, as if the server were stopped: only the connection can be cut.
TEST_F(Postgresql, AServerThatWentSilentHoldsUpNobody) {
  TestDatabase database;
  const auto began = std::chrono::steady_clock::now();
  const Status status = database->read([](Tx& tx) -> Status {
    lift_time_limit(tx.sql);
    std::string none;
    tx.sql << "SELECT pg_sleep(60)", soci::into(none);
    return {};
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  EXPECT_EQ(database.read([](Tx& tx) { return count_clients(tx); }).value_or(-1), 0);
}

TEST_F(Postgresql, TwoProgramsWriteOneAfterTheOther) {
  TestDatabase database;
  const auto second = Database::open(database.url());
  ASSERT_TRUE(second);
  const ClientRow ann = database.add_client("ann");
  constexpr int kEach = 25;
  // Reads and then writes what it read plus one: without the lock one of two would be lost.
  const auto count_up = [&ann](Database& one) {
    for (int i = 0; i < kEach;) {
      const Status status = one.write([&ann](Tx& tx) -> Status {
        long long at = 0;
        tx.sql << "SELECT created_at FROM clients WHERE id = :id", soci::use(ann.id), soci::into(at);
        ++at;
        tx.sql << "UPDATE clients SET created_at = :at WHERE id = :id", soci::use(at), soci::use(ann.id);
        return {};
      });
      if (status) ++i;
      if (!status && status.error().code != Code::kUnavailable) break;
    }
  };
  std::thread other([&] { count_up(**second); });
  count_up(*database);
  other.join();
  const auto row = database.read([&](Tx& tx) { return find_client(tx, ann.id); });
  ASSERT_TRUE(row);
  EXPECT_EQ(row->created_at, ann.created_at + 2 * kEach);
}

TEST_F(Postgresql, AnErrorThatTheWorkSwallowedCommitsNothing) {
  TestDatabase database;
  const Status status = database->write([](Tx& tx) -> Status {
    TRY(insert_client(tx, {new_uuid(), "a@example.org", "ann", "hash", false, 1, 1}));
    try {
      tx.sql << "INSERT INTO nowhere VALUES (1)";
    } catch (const soci::soci_error&) {
    }
    return {};
  });
  ASSERT_FALSE(status) << "PostgreSQL answers COMMIT with a ROLLBACK here";
  EXPECT_EQ(database.read([](Tx& tx) { return count_clients(tx); }).value_or(-1), 0);
}

TEST_F(Postgresql, ConstraintsAreNamedAsBySqlite) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const auto broken_by = [&database](const std::string& statement) {
    Constraint found;
    const Status status = database->write([&](Tx& tx) -> Status {
      try {
        tx.sql << statement;
      } catch (const soci::soci_error& error) {
        found = broken_constraint(error);
        throw;
      }
      return {};
    });
    EXPECT_FALSE(status);
    EXPECT_THAT(status.error().message, Not(HasSubstr("canary")));
    return found;
  };
  const std::string insert = "INSERT INTO clients (id, email, username, password_hash, created_at) ";
  Constraint found = broken_by(insert + "SELECT 'canary', email, 'canary', 'canary', 1 FROM clients");
  EXPECT_EQ(found.kind, Broken::kUnique);
  EXPECT_EQ(found.column, "clients.email");
  // A value that looks like what follows in the message.
  ASSERT_TRUE(database->write([&](Tx& tx) -> Status {
    tx.sql << insert << "VALUES ('canary', 'x)=(y', E'canary\\nTABLE NAME:  tokens', 'x', 1)";
    return {};
  }));
  found = broken_by(insert + "SELECT 'other', 'z', username, 'x', 1 FROM clients WHERE id = 'canary'");
  EXPECT_EQ(found.column, "clients.username");
  found = broken_by("INSERT INTO members (project_id, client_id, role, created_at) VALUES ('canary', 'canary', '', 1)");
  EXPECT_EQ(found.kind, Broken::kForeignKey);
  EXPECT_EQ(broken_by("INSERT INTO clients (id) VALUES ('canary')").kind, Broken::kOther);
}

TEST_F(Postgresql, TextIsOrderedByteByByte) {
  TestDatabase database;
  for (const char* name : {"b", "a-b", "ab", "a"}) database.add_client(name);
  const auto rows = database.read([](Tx& tx) { return list_clients(tx); });
  ASSERT_TRUE(rows);
  std::vector<std::string> names;
  for (const ClientRow& row : *rows) names.push_back(row.username);
  EXPECT_THAT(names, testing::ElementsAre("a", "a-b", "ab", "b"));
}

TEST_F(Postgresql, AServerThatIsAwayOrRefusesIsNamedWithoutThePassword) {
  const auto away = Database::open("postgresql://u:canary@127.0.0.1:1/db", {.patience = 1ms});
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, Code::kUnavailable);
  EXPECT_THAT(away.error().message, HasSubstr("postgresql://u@127.0.0.1:1/db does not answer"));
  EXPECT_THAT(away.error().message + away.error().hint, Not(HasSubstr("canary")));
  const std::string server = FreshPlace::server();
  const auto refused = Database::open(server + (server.find('?') == std::string::npos ? "?" : "&") + "dbname=nowhere");
  ASSERT_FALSE(refused) << "a database that does not exist is not waited for";
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace paastech::store
