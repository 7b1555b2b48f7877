#include "store/tokens.h"

#include <gmock/gmock.h>

#include <set>

#include "store/device_logins.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using ::testing::ElementsAre;

TEST(Tokens, AreFoundByHashTouchedAndRevoked) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const TokenRow token{new_uuid(), ann.id, "00ff", "laptop", 10, 0};
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
  const auto find = [&] { return database.read([](Tx& tx) { return find_token(tx, "00ff"); }); };
  const auto touch = [&](std::int64_t now) {
    return database.write([&](Tx& tx) { return touch_token(tx, token.id, now, "192.0.2." + std::to_string(now)); });
  };
  ASSERT_TRUE(touch(50));
  ASSERT_TRUE(touch(40));  // a clock that went back
  ASSERT_TRUE(find());
  EXPECT_EQ(find()->client_id, ann.id);
  EXPECT_EQ(find()->name, "laptop");
  EXPECT_EQ(find()->last_used_at, 50);
  EXPECT_EQ(find()->address, "192.0.2.50");
  EXPECT_EQ(database.read([&](Tx& tx) { return list_tokens(tx, ann.id); })->size(), 1u);
  EXPECT_TRUE(database.read([&](Tx& tx) { return list_tokens(tx, new_uuid()); })->empty());
  const auto revoke = [&] { return database.write([&](Tx& tx) { return delete_token(tx, token.id); }); };
  EXPECT_TRUE(revoke().value());
  EXPECT_FALSE(revoke().value());
  EXPECT_EQ(find().error().code, Code::kNotFound);
}

TEST(Tokens, OfNobodyAreRefused) {
  TestDatabase database;
  const TokenRow token{new_uuid(), new_uuid(), "00ff", "", 10, 0};
  const Status status = database.write([&](Tx& tx) { return insert_token(tx, token); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kNotFound);
}

TEST(Tokens, LimitedToProjectsStayLimitedWhenTheLastOfThemGoes) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ProjectRow one = database.add_project("one", ann.id);
  TokenRow token{new_uuid(), ann.id, "00ff", "ci", 10};
  token.kind = "api";
  token.scope = Scope::kDeploy;
  token.limited = true;
  token.projects = {one.id};
  token.expires_at = 99;
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
  const auto find = [&] { return database.read([](Tx& tx) { return find_token(tx, "00ff"); }); };
  ASSERT_TRUE(find());
  EXPECT_EQ(find()->scope, Scope::kDeploy);
  EXPECT_EQ(find()->kind, "api");
  EXPECT_EQ(find()->expires_at, 99);
  EXPECT_THAT(find()->projects, ElementsAre(one.id));
  ASSERT_TRUE(database.write([&](Tx& tx) { return delete_project(tx, one.id); }));
  EXPECT_TRUE(find()->limited);
  EXPECT_THAT(find()->projects, ElementsAre());
}

TEST(Tokens, EndTheOtherLoginsOfAClientAndNoProgramsTokens) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const auto add = [&](const ClientRow& client, const std::string& kind) {
    TokenRow token{new_uuid(), client.id, new_uuid(), "", 10};
    token.kind = kind;
    EXPECT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
    return token.id;
  };
  const std::string kept = add(ann, "web");
  add(ann, "cli");
  const std::string program = add(ann, "api");
  const std::string foreign = add(bob, "web");
  for (const auto& [hash, client] : {std::pair{"h1", ann.id}, std::pair{"h2", bob.id}})
    ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
      TRY(insert_device_login(tx, {hash, hash, "laptop", "", "", "pending", 0, 1, 9}));
      TRY(decide_device_login(tx, hash, client, "approved", 2));
      return {};
    }));
  EXPECT_EQ(database.write([&](Tx& tx) { return delete_logins(tx, ann.id, kept); }).value(), 1);
  EXPECT_FALSE(database.read([](Tx& tx) { return find_device_login(tx, "h1"); })) << "a device that ann let in too";
  EXPECT_TRUE(database.read([](Tx& tx) { return find_device_login(tx, "h2"); }));
  const auto left = database.read([&](Tx& tx) { return list_tokens(tx, ann.id); });
  ASSERT_EQ(left->size(), 2u);
  EXPECT_EQ(database.read([&](Tx& tx) { return list_tokens(tx, bob.id); })->front().id, foreign);
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_token_of(tx, bob.id, program, true); }).value());
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_token_of(tx, ann.id, program, false); }).value());
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_token_of(tx, ann.id, kept, true); }).value());
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_token_of(tx, ann.id, program, true); }).value());
}

TEST(Tokens, OfLoginsTheOnesUsedLastAreKept) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const auto add = [&](const std::string& kind, std::int64_t used) {
    TokenRow token{new_uuid(), ann.id, new_uuid(), std::to_string(used), 10, used};
    token.kind = kind;
    EXPECT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
  };
  add("api", 1);
  for (const std::int64_t used : {40, 20, 30, 10}) add(used % 20 == 0 ? "web" : "cli", used);
  ASSERT_TRUE(database.write([&](Tx& tx) { return delete_oldest_logins(tx, ann.id, 2); }));
  const auto left = database.read([&](Tx& tx) { return list_tokens(tx, ann.id); });
  std::set<std::string> names;
  for (const TokenRow& token : left.value()) names.insert(token.name);
  EXPECT_THAT(names, ElementsAre("1", "30", "40"));
}

TEST(Tokens, NameTheProjectsTheyAreLimitedTo) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  TokenRow token{new_uuid(), ann.id, "00ff", "ci", 10};
  token.kind = "api";
  token.limited = true;
  token.projects = {database.add_project("two", ann.id).id, database.add_project("one", ann.id).id};
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
  const auto names = database.read([&](Tx& tx) { return token_project_names(tx, ann.id); });
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 1u);
  EXPECT_THAT(names->at(token.id), ElementsAre("one", "two"));
}

TEST(Tokens, GoWhenTheyExpire) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  for (const std::int64_t expires_at : {0, 50, 51}) {
    TokenRow token{new_uuid(), ann.id, new_uuid(), std::to_string(expires_at), 10};
    token.expires_at = expires_at;
    ASSERT_TRUE(database.write([&](Tx& tx) { return insert_token(tx, token); }));
  }
  ASSERT_TRUE(database.write([&](Tx& tx) { return delete_expired_tokens(tx, 50); }));
  EXPECT_EQ(database.read([&](Tx& tx) { return list_tokens(tx, ann.id); })->size(), 2u);
}

}  // namespace
}  // namespace paastech::store
