#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <sys/stat.h>

#include <fstream>

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

}  // namespace
}  // namespace paastech::store
