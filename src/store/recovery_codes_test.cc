#include "store/recovery_codes.h"

#include "store/test_database.h"

namespace paastech::store {
namespace {

TEST(RecoveryCodes, WorkOnceAndForTheirClientOnly) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const auto set = [&](const ClientRow& client, const std::vector<std::string>& hashes) {
    return database.write([&](Tx& tx) { return set_recovery_codes(tx, client.id, hashes); });
  };
  const auto use = [&](const ClientRow& client, const std::string& hash) {
    return database.write([&](Tx& tx) { return use_recovery_code(tx, client.id, hash); }).value();
  };
  const auto count = [&] { return database.read([&](Tx& tx) { return count_recovery_codes(tx, ann.id); }).value(); };
  ASSERT_TRUE(set(ann, {"a1", "a2"}));
  ASSERT_TRUE(set(bob, {"a2"}));
  EXPECT_EQ(count(), 2);
  EXPECT_FALSE(use(bob, "a1"));
  EXPECT_TRUE(use(ann, "a1"));
  EXPECT_FALSE(use(ann, "a1"));
  EXPECT_EQ(count(), 1);
  ASSERT_TRUE(set(ann, {"a3"}));
  EXPECT_FALSE(use(ann, "a2"));
  EXPECT_TRUE(use(bob, "a2"));
  ASSERT_TRUE(set(ann, {}));
  EXPECT_EQ(count(), 0);
  ClientRow nobody;
  nobody.id = new_uuid();
  EXPECT_EQ(set(nobody, {"a"}).error().code, Code::kNotFound);
}

TEST(SecondFactor, UsesEachStepOnceAndNeverGoesBack) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const auto use = [&](std::int64_t step) {
    return database.write([&](Tx& tx) { return use_totp_step(tx, ann.id, step); }).value();
  };
  const auto row = [&] { return database.read([&](Tx& tx) { return find_client(tx, ann.id); }).value(); };
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_totp(tx, ann.id, "sealed", 0); }));
  EXPECT_EQ(row().totp, "sealed");
  EXPECT_FALSE(row().second_factor());
  EXPECT_TRUE(use(7));
  EXPECT_TRUE(row().second_factor());
  EXPECT_FALSE(use(7));
  EXPECT_FALSE(use(6));
  EXPECT_TRUE(use(8));
  EXPECT_EQ(database.write([&](Tx& tx) { return set_totp(tx, new_uuid(), "", 0); }).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace paastech::store
