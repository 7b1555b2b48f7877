#include "store/copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include <deque>
#include <map>
#include <set>

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
  struct Column {
    std::string table;
    std::string name;
    std::string type;
    std::string parent_table;  // of a foreign key; else empty
    std::string parent;
  };
  // As SQLite itself lists them.
  static std::vector<Column> columns_of(soci::session& file) {
    Column one;
    soci::statement statement =
        (file.prepare << "SELECT m.name, c.name, c.type, COALESCE(k.\"table\", ''), COALESCE(k.\"to\", '') "
                         "FROM sqlite_master m JOIN pragma_table_info(m.name) c "
                         "LEFT JOIN pragma_foreign_key_list(m.name) k ON k.\"from\" = c.name "
                         "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'schema_migrations' "
                         "ORDER BY m.name, c.cid",
         soci::into(one.table), soci::into(one.name), soci::into(one.type), soci::into(one.parent_table),
         soci::into(one.parent));
    statement.execute();
    std::vector<Column> out;
    while (statement.fetch()) out.push_back(one);
    return out;
  }
  // Easy to spoil. Row 0 or 1; a foreign key leads to the parent's row of the same number.
  static std::string text_of(const std::string& table, const std::string& column, int row) {
    return table + "." + column + std::to_string(row) + " Füge 'hinzu'; \"$1\" \\ :name\n\t\x7f";
  }
  static long long number_of(const std::string& type, int row) {
    const bool small = type == "INTEGER";
    if (row == 1) return small ? -2147483647 : -9007199254740993;
    return small ? 2147483647 : 9007199254740993;  // the latter is no double's
  }
  // Two rows in every table that the migrations make, whatever they are, and a text that is empty.
  static void fill(const std::string& url) {
    const auto sql = session(url);
    *sql << "PRAGMA foreign_keys=OFF";  // parents are not filled first
    std::map<std::string, std::vector<Column>> tables;
    for (Column& column : columns_of(*sql)) tables[column.table].push_back(std::move(column));
    for (const auto& [table, columns] : tables)
      for (const int row : {0, 1}) insert(*sql, table, columns, row);
    *sql << "INSERT INTO environment (project_id, name, value, updated_at) SELECT id, 'EMPTY', '', 0 FROM projects "
            "LIMIT 1";
    *sql << "DELETE FROM plans WHERE name = 'unlimited'";  // what a migration made is not made again
  }
  static void insert(soci::session& sql, const std::string& table, const std::vector<Column>& columns, int row) {
    std::string names;
    std::string places;
    std::deque<std::string> texts;  // what is bound must not move
    std::deque<long long> numbers;
    soci::statement statement(sql);
    for (const Column& column : columns) {
      names += (names.empty() ? "\"" : ", \"") + column.name + "\"";
      places += (places.empty() ? ":v" : ", :v") + std::to_string(texts.size() + numbers.size());
      const bool leads = !column.parent_table.empty();
      if (column.type == "TEXT")
        statement.exchange(soci::use(texts.emplace_back(
            text_of(leads ? column.parent_table : table, leads ? column.parent : column.name, row))));
      else
        statement.exchange(soci::use(numbers.emplace_back(number_of(column.type, row))));
    }
    statement.alloc();
    statement.prepare("INSERT INTO \"" + table + "\" (" + names + ") VALUES (" + places + ")");
    statement.define_and_bind();
    statement.execute(true);
  }
  // By table, every row of a file: all its columns, joined.
  using Rows = std::map<std::string, std::multiset<std::string>>;
  static Rows everything(const std::string& url) {
    const auto sql = session(url);
    std::map<std::string, std::string> joined;
    for (const Column& column : columns_of(*sql))
      joined[column.table] += (joined[column.table].empty() ? "" : " || ' | ' || ") + ("\"" + column.name + "\"");
    Rows out;
    for (const auto& [table, columns] : joined) {
      std::string row;
      soci::statement statement = (sql->prepare << "SELECT " + columns + " FROM \"" + table + "\"", soci::into(row));
      statement.execute();
      while (statement.fetch()) out[table].insert(row);
    }
    return out;
  }
  static std::map<std::string, std::int64_t> counts(const Copied& copied) { return {copied.begin(), copied.end()}; }
};

TEST_F(CopyTest, MovesEveryRowOfEveryTableAndBack) {
  open(file);
  fill(file);
  const Rows filled = everything(file);
  const auto there = copy(file, other);
  ASSERT_TRUE(there) << there.error().message;
  const auto schema = read_schema(*session(other));
  ASSERT_TRUE(schema);
  EXPECT_EQ(there->size(), schema->size());
  EXPECT_EQ(filled.size(), schema->size());
  const auto rows = counts(*there);
  for (const auto& [table, all] : filled) {
    EXPECT_GE(all.size(), 2u) << table;
    EXPECT_EQ(rows.at(table), std::ssize(all)) << table;
  }
  const std::string change = "UPDATE environment SET value = 'moved' WHERE name = 'EMPTY' AND value = ''";
  EXPECT_TRUE(open(other)->write([&](Tx& tx) -> Status {
    tx.sql << change;
    return {};
  })) << "it works where it went";
  const std::string back = "sqlite:" + (place.folder() / "back.db").string();
  const auto home = copy(other, back);
  ASSERT_TRUE(home) << home.error().message;
  EXPECT_EQ(counts(*home), rows);
  *session(file) << change;
  const Rows expected = everything(file);
  EXPECT_NE(expected, filled);
  EXPECT_EQ(everything(back), expected);
}

TEST_F(CopyTest, ATargetWithClientsIsRefusedAndLeftAlone) {
  open(file);
  fill(file);
  open(other);
  const auto present = session(other);
  *present << "INSERT INTO clients (id, email, username, password_hash, created_at) VALUES ('c1', 'a', 'b', 'x', 1)";
  const auto copied = copy(file, other);
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(copied.error().message, HasSubstr("already has 1 Clients"));
  int clients = 0;
  int plans = 0;
  *session(other) << "SELECT COUNT(*) FROM clients", soci::into(clients);
  *session(other) << "SELECT COUNT(*) FROM plans", soci::into(plans);
  EXPECT_EQ(clients, 1);
  EXPECT_EQ(plans, 2);
}

TEST_F(CopyTest, OneThatFailsHalfWayLeavesNothing) {
  open(file);
  fill(file);
  {
    // A row that breaks a rule: SQLite does not look at old rows.
    const auto sql = session(file);
    *sql << "PRAGMA foreign_keys=OFF";
    *sql << "INSERT INTO members (project_id, client_id, role, created_at) VALUES ('nowhere', 'nobody', 'viewer', 1)";
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
