#include "store/copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include <map>

#include "store/schema.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

DatabaseUrl url_of(const std::string& text) { return parse_database_url(text).value(); }

// From a file to the database that the tests run on, and back.
struct CopyTest : testing::Test {
  FreshPlace place;
  const std::string file = "sqlite:" + (place.folder() / "file.db").string();
  const std::string other = FreshPlace::postgresql() ? place.url() : "sqlite:" + (place.folder() / "other.db").string();

  static std::unique_ptr<soci::session> session(const std::string& url) { return std::move(*connect(url_of(url))); }
  static std::unique_ptr<Database> open(const std::string& url) { return std::move(*Database::open(url)); }
  static Result<Copied> copy(const std::string& from, const std::string& to) {
    return copy_database(url_of(from), url_of(to));
  }
  // A row in every table that a Client can fill, with texts and numbers that are easy to spoil.
  static void fill(const std::string& url) {
    const auto sql = session(url);
    const std::string id = "c1";
    const std::string text = "Füge 'hinzu'; \"$1\" \\ :name\n\t\x7f";
    const long long large = 9007199254740993;  // not a double's
    *sql << "INSERT INTO clients (id, email, username, password_hash, created_at) VALUES (:id, 'a', 'b', :text, :at)",
        soci::use(id), soci::use(text), soci::use(large);
    *sql << "INSERT INTO projects (id, name, owner_id, created_at) VALUES ('p1', 'hello', 'c1', -1)";
    *sql << "INSERT INTO environment (project_id, name, value, updated_at) VALUES ('p1', 'EMPTY', '', 0)";
    *sql << "INSERT INTO members (project_id, client_id, role, created_at) VALUES ('p1', 'c1', 'viewer', 1)";
    *sql << "DELETE FROM plans WHERE name = 'unlimited'";  // what a migration made is not made again
  }
  static std::map<std::string, std::int64_t> counts(const Copied& copied) { return {copied.begin(), copied.end()}; }
};

TEST_F(CopyTest, MovesEveryRowOfEveryTableAndBack) {
  open(file);
  fill(file);
  const auto there = copy(file, other);
  ASSERT_TRUE(there) << there.error().message;
  const auto schema = read_schema(*session(other));
  ASSERT_TRUE(schema);
  EXPECT_EQ(there->size(), schema->size());
  auto rows = counts(*there);
  EXPECT_EQ(rows["clients"], 1);
  EXPECT_EQ(rows["environment"], 1);
  EXPECT_EQ(rows["plans"], 1);
  EXPECT_TRUE(open(other)->write([](Tx& tx) -> Status {
    tx.sql << "UPDATE environment SET name = 'MOVED'";
    return {};
  })) << "it works where it went";
  const std::string back = "sqlite:" + (place.folder() / "back.db").string();
  const auto home = copy(other, back);
  ASSERT_TRUE(home) << home.error().message;
  EXPECT_EQ(counts(*home), rows);
  std::string text;
  std::string name;
  long long at = 0;
  *session(back) << "SELECT password_hash, created_at FROM clients", soci::into(text), soci::into(at);
  EXPECT_EQ(text, "Füge 'hinzu'; \"$1\" \\ :name\n\t\x7f");
  EXPECT_EQ(at, 9007199254740993);
  *session(back) << "SELECT name FROM environment", soci::into(name);
  EXPECT_EQ(name, "MOVED");
}

TEST_F(CopyTest, ATargetWithClientsIsRefusedAndLeftAlone) {
  open(file);
  fill(file);
  open(other);
  fill(other);
  const auto copied = copy(file, other);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(copied.error().message, HasSubstr("already has 1 Clients"));
  int members = 0;
  *session(other) << "SELECT COUNT(*) FROM members", soci::into(members);
  EXPECT_EQ(members, 1);
}

TEST_F(CopyTest, OneThatFailsHalfWayLeavesNothing) {
  open(file);
  fill(file);
  {
    // A row that breaks a rule: SQLite does not look at old rows.
    const auto sql = session(file);
    *sql << "PRAGMA foreign_keys=OFF";
    *sql << "INSERT INTO members (project_id, client_id, role, created_at) VALUES ('nowhere', 'c1', 'viewer', 1)";
  }
  const auto copied = copy(file, other);
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().message, HasSubstr("table members"));
  int clients = 0;
  int plans = 0;
  *session(other) << "SELECT COUNT(*) FROM clients", soci::into(clients);
  *session(other) << "SELECT COUNT(*) FROM plans", soci::into(plans);
  EXPECT_EQ(clients, 0);
  EXPECT_EQ(plans, 2) << "those of the migrations";
  *session(file) << "DELETE FROM members WHERE project_id = 'nowhere'";
  EXPECT_TRUE(copy(file, other));
}

TEST_F(CopyTest, TablesThatDifferAreRefused) {
  open(file);
  fill(file);
  *session(file) << "ALTER TABLE members ADD COLUMN extra TEXT";
  const auto wider = copy(file, other);
  ASSERT_FALSE(wider);
  EXPECT_THAT(wider.error().message, HasSubstr("table members is not the same"));
}

TEST_F(CopyTest, AnotherSchemaVersionOrNoDatabaseIsRefused) {
  open(file);
  *session(file) << "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'future', 1)";
  const auto newer = copy(file, other);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(newer.error().message, HasSubstr("schema version 9999"));
  const std::string nowhere = (place.folder() / "nowhere.db").string();
  const auto missing = copy("sqlite:" + nowhere, other);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(nowhere));
  EXPECT_FALSE(copy(file, file));
}

TEST(Schema, ParentsComeFirstAndACircleIsNamed) {
  const Schema schema{{"a", {{}, {"b"}}}, {"b", {{}, {"c"}}}, {"c", {}}};
  EXPECT_THAT(in_order_of_keys(schema).value(), ElementsAre("c", "b", "a"));
  EXPECT_FALSE(in_order_of_keys({{"a", {{}, {"b"}}}, {"b", {{}, {"a"}}}}));
}

}  // namespace
}  // namespace paastech::store
