#include "store/sealed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>

#include <atomic>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "base/files.h"
#include "base/secret.h"
#include "store/key_check.h"
#include "store/migrate.h"
#include "store/reseal.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAre;

const SealedColumn& column(std::string_view kind) {
  for (const SealedColumn& each : sealed_columns())
    if (each.kind == kind) return each;
  throw std::runtime_error("no such column");
}

struct SealedTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-sealed-" + new_uuid());
  std::filesystem::path file = folder / "secret.key";
  TestDatabase database;
  ClientRow ann = database.add_client("ann");
  ProjectRow hello = database.add_project("hello", ann.id);
  void SetUp() override {
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(read_or_make_keys(file, 1));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  SecretBox box() { return SecretBox::of_file(file).value(); }
  Status check(const SecretBox& secrets) { return check_key(*database, secrets); }
  static std::string context(const std::string& project, const std::string& name) {
    return "environment/" + project + "/" + name;
  }
  void put(const std::string& project, const std::string& name, const std::string& sealed) {
    ASSERT_TRUE(database.write([&](Tx& tx) { return set_environment(tx, project, {name, sealed, 1}); }));
  }
  void set(const SecretBox& secrets, const std::string& project, const std::string& name, const std::string& value) {
    put(project, name, secrets.seal(value, context(project, name)));
  }
  std::string stored(const std::string& project, const std::string& name) {
    const auto rows = database.read([&](Tx& tx) { return list_environment(tx, project); });
    for (const EnvironmentRow& row : *rows)
      if (row.name == name) return row.value;
    return "";
  }
  std::string value(const std::string& project, const std::string& name) {
    return box().open(stored(project, name), context(project, name)).value_or("does not open");
  }
  std::map<std::string, std::int64_t> counts(const std::vector<std::string>& keys) {
    return database.read([&](Tx& tx) { return count_sealed(tx, keys); }).value();
  }
  // One value in every sealed column, as the rest of the program writes them.
  void fill_every_column(const SecretBox& secrets) {
    set(secrets, hello.id, "NAME", "of environment");
    const std::string deployment = secrets.seal("of deployment", "deployment/" + hello.id + "/12");
    const std::string registry = secrets.seal("of registry", "registry/" + hello.id + "/r.example:5000");
    const std::string totp = secrets.seal("of totp", "totp/" + ann.id);
    const std::string mail = secrets.seal("of mail", "mail/m1");
    const std::string answer = secrets.seal("of idempotency", "idempotency/" + ann.id + "/a/b");
    const std::string fingerprint = secrets.seal("of fingerprint", "fingerprint/" + ann.id + "/a/b");
    ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
      tx.sql << "INSERT INTO deployments (project_id, number, cause, state, environment, actor_id, created_at) "
                "VALUES (:project, 12, 'push', 'queued', :value, '', 1)",
          soci::use(hello.id), soci::use(deployment);
      tx.sql << "INSERT INTO registries (project_id, host, username, password) "
                "VALUES (:project, 'r.example:5000', 'ann', :value)",
          soci::use(hello.id), soci::use(registry);
      tx.sql << "UPDATE clients SET totp = :value WHERE id = :id", soci::use(totp), soci::use(ann.id);
      tx.sql << "INSERT INTO mails (id, body, next_at, created_at) VALUES ('m1', :value, 1, 1)", soci::use(mail);
      tx.sql << "INSERT INTO idempotency (client_id, key, fingerprint, body, created_at) "
                "VALUES (:client, 'a/b', :fingerprint, :value, 1)",
          soci::use(ann.id), soci::use(fingerprint), soci::use(answer);
      return {};
    }));
  }
};

TEST_F(SealedTest, EveryColumnThatAMigrationCallsSealedIsKnown) {
  const std::regex names(R"(^\s*(?:CREATE TABLE (\w+)|(?:ALTER TABLE (\w+) ADD COLUMN )?(\w+) [A-Z].*-- sealed))");
  std::set<std::string> declared;
  for (const Migration& migration : known_migrations()) {
    std::istringstream lines(migration.sql);
    std::string table;
    for (std::string line; std::getline(lines, line);) {
      std::smatch found;
      if (!std::regex_search(line, found, names)) continue;
      if (found[1].matched)
        table = found[1];
      else
        declared.insert((found[2].matched ? found[2].str() : table) + "." + found[3].str());
    }
  }
  std::set<std::string> known;
  for (const SealedColumn& each : sealed_columns())
    known.insert(std::string(each.table) + "." + std::string(each.column));
  EXPECT_EQ(declared, known);
  EXPECT_THAT(declared, testing::Contains("clients.totp")) << "the control: both ways of declaring are read";
}

TEST_F(SealedTest, PagesGoThroughEveryRowOnceAndCompareNumbersAsNumbers) {
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    for (const int number : {100, 9, 10, 2, 11})
      tx.sql << "INSERT INTO deployments (project_id, number, cause, state, environment, actor_id, created_at) "
                "VALUES (:project, :number, 'push', 'failed', 'v1:x', '', 1)",
          soci::use(hello.id), soci::use(number);
    return {};
  }));
  std::vector<std::string> seen;
  std::vector<std::string> after;
  while (true) {
    const auto page =
        database.read([&](Tx& tx) { return sealed_with_another(tx, column("deployment"), "k1", after, 2); });
    ASSERT_TRUE(page) << page.error().message;
    if (page->empty()) break;
    for (const SealedRow& row : *page) seen.push_back(row.at.at(1));
    after = page->back().at;
  }
  EXPECT_THAT(seen, ElementsAre("2", "9", "10", "11", "100"));
}

TEST_F(SealedTest, AValueIsReplacedOnlyWhereItIsStillTheOneThatWasRead) {
  const SecretBox secrets = box();
  set(secrets, hello.id, "NAME", "first");
  const SealedRow row{{hello.id, "NAME"}, stored(hello.id, "NAME")};
  const auto replace = [&](const std::string& with) {
    return database.write([&](Tx& tx) { return replace_sealed(tx, column("environment"), row, with); }).value();
  };
  set(secrets, hello.id, "NAME", "second");
  EXPECT_FALSE(replace("lost"));
  EXPECT_EQ(value(hello.id, "NAME"), "second");
  put(hello.id, "NAME", row.value);
  EXPECT_TRUE(replace("won"));
  EXPECT_EQ(stored(hello.id, "NAME"), "won");
}

TEST_F(SealedTest, ARotationReachesEveryColumn) {
  const SecretBox secrets = box();
  fill_every_column(secrets);
  EXPECT_EQ(counts({"k1"}), (std::map<std::string, std::int64_t>{{"", 0}, {"k1", 7}}));
  ASSERT_TRUE(add_key(file, 2));
  const Result<Resealed> done = reseal_all(*database, secrets);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->values,
              UnorderedElementsAre(testing::Pair("environment", 1), testing::Pair("deployment", 1),
                                   testing::Pair("totp", 1), testing::Pair("mail", 1), testing::Pair("idempotency", 1),
                                   testing::Pair("fingerprint", 1), testing::Pair("registry", 1)));
  EXPECT_THAT(done->broken, testing::IsEmpty());
  EXPECT_EQ(counts({"k1", "k2"}), (std::map<std::string, std::int64_t>{{"", 0}, {"k1", 0}, {"k2", 7}}));
  ASSERT_TRUE(drop_keys(file, {"k1"}));
  for (const SealedColumn& each : sealed_columns()) {
    const auto rows = database.read([&](Tx& tx) { return sealed_with_another(tx, each, "", {}, 10); });
    ASSERT_EQ(rows->size(), 1u) << each.kind;
    EXPECT_EQ(box().open(rows->front().value, context_of(each, rows->front())).value_or(""),
              "of " + std::string(each.kind));
  }
}

TEST_F(SealedTest, ValuesOfTheFormOfBeforeAreOfK1AndAreSealedAnew) {
  const SecretBox secrets = box();
  const std::string sealed = secrets.seal("old", context(hello.id, "NAME"));
  put(hello.id, "NAME", "v1:" + sealed.substr(std::string("v2:k1:").size()));
  put(hello.id, "OTHER", "v2:k9:AAAA");
  EXPECT_EQ(counts({"k1"}), (std::map<std::string, std::int64_t>{{"", 1}, {"k1", 1}}));
  ASSERT_TRUE(reseal_all(*database, secrets));
  EXPECT_THAT(stored(hello.id, "NAME"), StartsWith("v2:k1:"));
  EXPECT_EQ(value(hello.id, "NAME"), "old");
}

// Threat 33.
TEST_F(SealedTest, SwappedRowsDoNotOpenAndDoNotHoldUpARotation) {
  const SecretBox secrets = box();
  const ProjectRow other = database.add_project("other", ann.id);
  set(secrets, hello.id, "NAME", "mine");
  set(secrets, other.id, "NAME", "theirs");
  set(secrets, other.id, "GOOD", "stays");
  const std::string mine = stored(hello.id, "NAME");
  put(hello.id, "NAME", stored(other.id, "NAME"));
  put(other.id, "NAME", mine);
  ASSERT_TRUE(add_key(file, 2));
  const Result<Resealed> done = reseal_all(*database, secrets);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->broken, UnorderedElementsAre(context(hello.id, "NAME"), context(other.id, "NAME")));
  EXPECT_EQ(stored(other.id, "NAME"), mine) << "left as it was";
  EXPECT_EQ(value(other.id, "NAME"), "does not open");
  EXPECT_EQ(value(other.id, "GOOD"), "stays");
  EXPECT_EQ(counts({"k1", "k2"}), (std::map<std::string, std::int64_t>{{"", 0}, {"k1", 2}, {"k2", 1}}));
}

TEST_F(SealedTest, ARotationBesideWritersLosesNothingAndLeavesNoOlderKey) {
  constexpr int kThreads = 4;
  constexpr int kNames = 20;
  const SecretBox running = box();
  std::atomic<bool> rotating = true;
  std::atomic<int> failed = 0;
  std::vector<std::map<std::string, std::string>> last(kThreads);
  std::vector<ProjectRow> projects;
  for (int t = 0; t < kThreads; ++t) projects.push_back(database.add_project("p" + std::to_string(t), ann.id));
  for (int i = 0; i < 100; ++i) set(running, hello.id, "V" + std::to_string(i), "quiet " + std::to_string(i));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        const std::string project = projects[static_cast<std::size_t>(t)].id;
        for (int i = 0; rotating || i < kNames; ++i) {
          const std::string name = "V" + std::to_string(i % kNames);
          const std::string text = std::to_string(i);
          const auto seal_and_store = [&](Tx& tx) {
            return set_environment(tx, project, {name, running.seal(text, context(project, name)), 1});
          };
          if (database.write(seal_and_store))
            last[static_cast<std::size_t>(t)][name] = text;
          else
            ++failed;
        }
      });
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(add_key(file, i));
      const Result<Resealed> done = reseal_all(*database, running);
      EXPECT_TRUE(done) << done.error().message;
    }
    rotating = false;
  }
  EXPECT_EQ(failed, 0);
  for (int t = 0; t < kThreads; ++t)
    for (const auto& [name, text] : last[static_cast<std::size_t>(t)])
      EXPECT_EQ(value(projects[static_cast<std::size_t>(t)].id, name), text) << t << name;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(value(hello.id, "V" + std::to_string(i)), "quiet " + std::to_string(i));
  EXPECT_EQ(counts({"k4"}), (std::map<std::string, std::int64_t>{{"", 0}, {"k4", 100 + kThreads * kNames}}));
}

TEST_F(SealedTest, TheCheckValueTellsTheRightKeyFromAnother) {
  const SecretBox right = box();
  EXPECT_FALSE(knows_a_key(*database).value());
  ASSERT_TRUE(check(right));
  EXPECT_TRUE(knows_a_key(*database).value());
  EXPECT_TRUE(check(right));
  const Status wrong = check(SecretBox(random_bytes(kKeyBytes)));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(wrong.error().message, HasSubstr("not the key that the database was written with"));
  ASSERT_TRUE(add_key(file, 2));
  ASSERT_TRUE(reseal_key_check(*database, right));
  EXPECT_EQ(checked_key(*database).value(), "k2");
  ASSERT_TRUE(drop_keys(file, {"k1"}));
  EXPECT_TRUE(check(box()));
}

TEST_F(SealedTest, WithoutACheckValueTheKeyIsTriedOnWhatIsThere) {
  const SecretBox right = box();
  const SecretBox wrong(random_bytes(kKeyBytes));
  set(right, hello.id, "NAME", "value");
  EXPECT_TRUE(knows_a_key(*database).value());
  EXPECT_EQ(check(wrong).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(checked_key(*database).value(), "") << "a wrong key leaves no mark";
  put(hello.id, "DAMAGED", "v1:AAAA");
  EXPECT_TRUE(check(right)) << "one damaged value does not shut the Service";
  EXPECT_FALSE(check(wrong));
}

}  // namespace
}  // namespace paastech::store
