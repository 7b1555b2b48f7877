#include "store/clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::HasSubstr;

TEST(Clients, AreFoundByIdAndAddress) {
  TestDatabase database;
  const ClientRow ann{new_uuid(), "Ann@Example.org", "Ann", "$argon2id$x", true, 1700000000123};
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_client(tx, ann); }));
  const auto by_id = database.read([&](Tx& tx) { return find_client(tx, ann.id); });
  ASSERT_TRUE(by_id);
  EXPECT_EQ(by_id->email, "ann@example.org");
  EXPECT_EQ(by_id->username, "ann");
  EXPECT_EQ(by_id->password_hash, "$argon2id$x");
  EXPECT_TRUE(by_id->administrator);
  EXPECT_EQ(by_id->created_at, 1700000000123);
  const auto by_email = database.read([&](Tx& tx) { return find_client_by_email(tx, "ANN@example.ORG"); });
  ASSERT_TRUE(by_email);
  EXPECT_EQ(by_email->id, ann.id);
  const auto nobody = database.read([&](Tx& tx) { return find_client(tx, new_uuid()); });
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::kNotFound);
}

TEST(Clients, ATakenAddressOrNameIsNamed) {
  TestDatabase database;
  database.add_client("ann");
  const auto insert = [&](const std::string& email, const std::string& username) {
    const ClientRow row{new_uuid(), email, username, "hash", false, 1, 1};
    const Status status = database.write([&](Tx& tx) { return insert_client(tx, row); });
    EXPECT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kAlreadyExists);
    return status.error().message;
  };
  EXPECT_THAT(insert("ANN@example.org", "other"), HasSubstr("email"));
  EXPECT_THAT(insert("other@example.org", "ANN"), HasSubstr("username"));
  EXPECT_EQ(database.read([](Tx& tx) { return count_clients(tx); }).value(), 1);
}

TEST(Clients, AreListedByName) {
  TestDatabase database;
  for (const char* name : {"cyd", "ann", "bob"}) database.add_client(name);
  const auto rows = database.read([](Tx& tx) { return list_clients(tx); });
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].username, "ann");
  EXPECT_EQ((*rows)[2].username, "cyd");
  EXPECT_FALSE((*rows)[0].administrator);
}

TEST(SshKeys, BelongToOneClientOnly) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  KeyRow key{new_uuid(), ann.id, "ssh-ed25519", "AAAA", "SHA256:x", "ann@laptop", 5};
  const auto insert = [&] { return database.write([&](Tx& tx) { return insert_key(tx, key); }); };
  ASSERT_TRUE(insert());
  const auto found = database.read([](Tx& tx) { return find_key(tx, "SHA256:x"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client_id, ann.id);
  EXPECT_EQ(found->public_key, "AAAA");
  EXPECT_EQ(found->comment, "ann@laptop");
  const std::string first = key.id;
  key.id = new_uuid();
  key.client_id = bob.id;
  const Status twice = insert();
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::kAlreadyExists);
  EXPECT_THAT(twice.error().message, HasSubstr("public_key"));
  // Bob cannot remove Ann's.
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_key(tx, bob.id, first); }).value());
  EXPECT_EQ(database.read([&](Tx& tx) { return list_keys(tx, ann.id); })->size(), 1u);
  EXPECT_TRUE(database.read([&](Tx& tx) { return list_keys(tx, bob.id); })->empty());
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_key(tx, ann.id, first); }).value());
  EXPECT_EQ(database.read([](Tx& tx) { return find_key(tx, "SHA256:x"); }).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace paastech::store
