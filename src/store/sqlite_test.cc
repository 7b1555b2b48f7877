#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "store/sqlite_session.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::HasSubstr;

// What only a file can do, whatever database the other tests use.
struct Sqlite : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech sqlite=" + new_uuid());
  std::string path = folder / "paastech.db";
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<Database> open() const {
    auto opened = Database::open("sqlite:" + path);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
};

unsigned mode_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

ClientRow client(const std::string& name) { return {new_uuid(), name + "@example.org", name, "hash", false, 1, 1}; }

Status add(Database& database, const ClientRow& row) {
  return database.write([&](Tx& tx) { return insert_client(tx, row); });
}

std::int64_t count(Database& database) {
  std::int64_t found = -1;
  EXPECT_TRUE(database.read([&](Tx& tx) -> Status {
    TRY_ASSIGN(found, count_clients(tx));
    return {};
  }));
  return found;
}

TEST_F(Sqlite, ItsFilesAreForTheOwnerOnly) {
  std::unique_ptr<Database> database = open();
  ASSERT_TRUE(add(*database, client("ann")));
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(path + "-wal"), 0600u);
  EXPECT_EQ(mode_of(path + "-shm"), 0600u);
  database.reset();
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  database = open();
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(Sqlite, AFullDiskIsNamedLosesNothingAndIsRecoveredFrom) {
  const std::unique_ptr<Database> database = open();
  ASSERT_TRUE(add(*database, client("ann")));
  const auto set_limit = [&](const std::string& pages) {
    return database->write([&](Tx& tx) -> Status {
      tx.sql << "PRAGMA max_page_count=" << pages;  // as a disk without a free page
      return {};
    });
  };
  ASSERT_TRUE(set_limit("1"));  // SQLite takes it as: no more than there are
  ClientRow large = client("bob");
  large.password_hash = std::string(1 << 20, 'x');
  const Status full = add(*database, large);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kResourceExhausted);
  EXPECT_THAT(full.error().message, HasSubstr("full"));
  EXPECT_THAT(full.error().hint, HasSubstr(path));
  EXPECT_EQ(count(*database), 1);
  ASSERT_TRUE(set_limit("1000000"));
  EXPECT_TRUE(add(*database, large));
  EXPECT_EQ(count(*database), 2);
}

TEST_F(Sqlite, SaysWhyItDoesNotOpen) {
  const auto missing = Database::open(folder / "nowhere" / "a.db");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kUnavailable);
  EXPECT_THAT(missing.error().message, HasSubstr("nowhere"));
  std::ofstream(folder / "text.db") << std::string(8192, 'x');
  const auto damaged = Database::open(folder / "text.db");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kInternal);
  EXPECT_THAT(damaged.error().message, HasSubstr("is damaged"));
  const auto directory = Database::open(folder);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, Code::kFailedPrecondition);
  EXPECT_FALSE(Database::open(folder / "a\"b.db"));
}

// The statements that a session has prepared: how many, and how often one of that text has run.
struct Prepared {
  int count = 0;
  int runs = 0;
};
Prepared prepared(soci::session& sql, const std::string& text) {
  Prepared out;
  sqlite_api::sqlite3* connection = sqlite_connection(sql);
  for (auto* one = sqlite_api::sqlite3_next_stmt(connection, nullptr); one;
       one = sqlite_api::sqlite3_next_stmt(connection, one)) {
    ++out.count;
    if (sqlite_api::sqlite3_sql(one) == text)
      out.runs += sqlite_api::sqlite3_stmt_status(one, SQLITE_STMTSTATUS_RUN, 0);
  }
  return out;
}

// A session, and a table of one column.
struct SqliteSession : Sqlite {
  std::unique_ptr<soci::session> sql;
  void SetUp() override {
    Sqlite::SetUp();
    sql = open_sqlite_session(path);
    *sql << "CREATE TABLE words (word TEXT)";
  }
  void add(const std::string& word) { *sql << kInsert, soci::use(word); }
  std::vector<std::string> words() {
    std::vector<std::string> out;
    const soci::rowset<std::string> rows = (sql->prepare << kSelect);
    for (const std::string& word : rows) out.push_back(word);
    return out;
  }
  static constexpr const char* kInsert = "INSERT INTO words (word) VALUES (:word)";
  static constexpr const char* kSelect = "SELECT word FROM words ORDER BY word";
};

TEST_F(SqliteSession, PreparesAStatementOnceAndTakesItAgain) {
  for (const char* word : {"ant", "bee", "cow"}) add(word);
  EXPECT_EQ(words(), (std::vector<std::string>{"ant", "bee", "cow"}));
  EXPECT_EQ(prepared(*sql, kInsert).runs, 3);
  EXPECT_EQ(prepared(*sql, kInsert).count, 2);
}

TEST_F(SqliteSession, TwoOfTheSameTextRunAtOnce) {
  add("ant");
  add("bee");
  std::string outer;
  std::string inner;
  soci::statement first = (sql->prepare << kSelect, soci::into(outer));
  ASSERT_TRUE(first.execute(true));
  soci::statement second = (sql->prepare << kSelect, soci::into(inner));
  ASSERT_TRUE(second.execute(true));
  ASSERT_TRUE(first.fetch());
  EXPECT_EQ(outer, "bee");
  EXPECT_EQ(inner, "ant");
}

TEST_F(SqliteSession, AStatementThatFailedIsGoodTheNextTime) {
  *sql << "CREATE UNIQUE INDEX once ON words(word)";
  add("ant");
  EXPECT_THROW(add("ant"), soci::soci_error);
  add("bee");
  EXPECT_EQ(words(), (std::vector<std::string>{"ant", "bee"}));
}

TEST_F(SqliteSession, AStatementLeftHalfReadHoldsUpNoCommit) {
  add("ant");
  add("bee");
  sql->begin();
  std::string word;
  {
    soci::statement half = (sql->prepare << kSelect, soci::into(word));
    ASSERT_TRUE(half.execute(true));
  }
  sql->commit();
  *sql << "DROP TABLE words";
}

TEST_F(SqliteSession, AKeptStatementSeesAChangedTable) {
  add("ant");
  EXPECT_EQ(words().size(), 1u);
  *sql << "DROP TABLE words";
  *sql << "CREATE TABLE words (number INTEGER, word TEXT)";
  add("bee");
  EXPECT_EQ(words(), std::vector<std::string>{"bee"});
}

// PRAGMA foreign_keys does its work while it is prepared.
TEST_F(SqliteSession, ASettingIsMadeEachTimeItIsAsked) {
  const auto keys = [this] {
    int on = -1;
    *sql << "PRAGMA foreign_keys", soci::into(on);
    return on;
  };
  for (const int wanted : {1, 0, 1, 0}) {
    *sql << "PRAGMA foreign_keys=" << wanted;
    EXPECT_EQ(keys(), wanted);
  }
}

TEST_F(SqliteSession, KeepsABoundedNumberOfStatements) {
  int most = 0;
  for (std::size_t i = 0; i < 3 * kMostStatements; ++i) {
    std::size_t number = 0;
    *sql << "SELECT " << i, soci::into(number);
    EXPECT_EQ(number, i);
    most = std::max(most, prepared(*sql, "").count);
  }
  EXPECT_EQ(most, static_cast<int>(kMostStatements));
}

}  // namespace
}  // namespace paastech::store
