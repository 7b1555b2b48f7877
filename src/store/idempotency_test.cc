#include "store/idempotency.h"

#include "store/config_version.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

class Idempotency : public ::testing::Test {
 protected:
  std::optional<IdempotencyRow> find(const std::string& key) {
    return database_.read([&](Tx& tx) { return find_answer(tx, client_.id, key); }).value();
  }
  TestDatabase database_;
  ClientRow client_ = database_.add_client("ada");
};

TEST_F(Idempotency, KeepsTheAnswerOfAKey) {
  IdempotencyRow row{client_.id, "key", "print", 0, "", 5};
  ASSERT_TRUE(database_.write([&](Tx& tx) { return insert_answer(tx, row); }));
  EXPECT_EQ(find("key")->status, 0);
  row.status = 201;
  row.body = "sealed";
  ASSERT_TRUE(database_.write([&](Tx& tx) { return complete_answer(tx, row); }));
  const std::optional<IdempotencyRow> found = find("key");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->status, 201);
  EXPECT_EQ(found->body, "sealed");
  EXPECT_EQ(found->fingerprint, "print");
  EXPECT_EQ(found->created_at, 5);
  EXPECT_FALSE(find("other").has_value());
  EXPECT_EQ(database_.read([&](Tx& tx) { return count_answers(tx, client_.id); }).value(), 1);
  EXPECT_EQ(database_.read([&](Tx& tx) { return count_answers(tx, "nobody"); }).value(), 0);
}

TEST_F(Idempotency, TakesAKeyOnce) {
  const IdempotencyRow row{client_.id, "key", "print", 0, "", 5};
  ASSERT_TRUE(database_.write([&](Tx& tx) { return insert_answer(tx, row); }));
  const Status again = database_.write([&](Tx& tx) { return insert_answer(tx, row); });
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  const Status foreign =
      database_.write([&](Tx& tx) { return insert_answer(tx, {"nobody", "key", "print", 0, "", 5}); });
  ASSERT_FALSE(foreign.has_value());
  EXPECT_EQ(foreign.error().code, Code::kNotFound);
}

TEST_F(Idempotency, ForgetsOldKeysAndFreedOnes) {
  for (const auto& [key, at] : {std::pair("old", 1), std::pair("edge", 10), std::pair("new", 20)})
    ASSERT_TRUE(database_.write([&](Tx& tx) { return insert_answer(tx, {client_.id, key, "print", 0, "", at}); }));
  ASSERT_TRUE(database_.write([&](Tx& tx) { return delete_answers_before(tx, 10); }));
  EXPECT_FALSE(find("old").has_value());
  EXPECT_TRUE(find("edge").has_value());
  ASSERT_TRUE(database_.write([&](Tx& tx) { return delete_answer(tx, client_.id, "new"); }));
  EXPECT_FALSE(find("new").has_value());
}

TEST(ConfigVersion, CountsTheChangesOfOneProject) {
  TestDatabase database;
  const ClientRow client = database.add_client("ada");
  const ProjectRow project = database.add_project("hello", client.id);
  const ProjectRow other = database.add_project("other", client.id);
  const auto version = [&](const std::string& id) {
    return database.read([&](Tx& tx) { return config_version(tx, id); });
  };
  EXPECT_EQ(version(project.id).value(), 1);
  EXPECT_EQ(database.write([&](Tx& tx) { return bump_config_version(tx, project.id); }).value(), 2);
  EXPECT_EQ(version(project.id).value(), 2);
  EXPECT_EQ(version(other.id).value(), 1);
  EXPECT_EQ(version("none").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace paastech::store
