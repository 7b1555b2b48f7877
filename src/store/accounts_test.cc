#include "store/accounts.h"

#include <gtest/gtest.h>

#include "store/invitations.h"
#include "store/links.h"
#include "store/mails.h"
#include "store/members.h"
#include "store/test_database.h"
#include "store/tokens.h"

namespace paastech::store {
namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

LinkRow link(const ClientRow& client, std::string_view purpose, const std::string& hash) {
  return {hash, client.id, std::string(purpose), client.email, kNow, kNow + 1000};
}

TEST(Accounts, PasswordAddressAndConfirmationChange) {
  TestDatabase database;
  ClientRow ada = database.add_client("ada");
  database.add_client("bob");
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_password_hash(tx, ada.id, "new"); }));
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_email(tx, ada.id, "New@Example.org"); }));
  const auto changed = database.read([&](Tx& tx) { return find_client(tx, ada.id); });
  EXPECT_EQ(changed->password_hash, "new");
  EXPECT_EQ(changed->email, "new@example.org");
  const auto taken = database.write([&](Tx& tx) { return set_email(tx, ada.id, "bob@example.org"); });
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::kAlreadyExists);
  EXPECT_EQ(database.write([](Tx& tx) { return set_password_hash(tx, new_uuid(), "x"); }).error().code,
            Code::kNotFound);
}

TEST(Accounts, ConfirmationIsNotMovedBack) {
  TestDatabase database;
  const ClientRow eve{new_uuid(), "eve@example.org", "eve", "hash", false, kNow, 0};
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_client(tx, eve); }));
  for (const std::int64_t at : {kNow + 5, kNow + 9})
    ASSERT_TRUE(database.write([&](Tx& tx) { return set_confirmed(tx, eve.id, at); }));
  EXPECT_EQ(database.read([&](Tx& tx) { return find_client(tx, eve.id); })->confirmed_at, kNow + 5);
}

TEST(Accounts, OnlyOldOnesThatWereNeverConfirmedExpire) {
  TestDatabase database;
  for (const auto& [name, created, confirmed] :
       {std::tuple{"old", kNow - 10, std::int64_t{0}}, std::tuple{"old2", kNow - 9, std::int64_t{0}},
        std::tuple{"old3", kNow - 8, std::int64_t{0}}, std::tuple{"young", kNow, std::int64_t{0}},
        std::tuple{"sure", kNow - 10, kNow - 9}}) {
    const ClientRow row{new_uuid(), std::string(name) + "@example.org", name, "hash", false, created, confirmed};
    ASSERT_TRUE(database.write([&](Tx& tx) { return insert_client(tx, row); }));
  }
  for (const std::int64_t gone : {2, 1, 0})
    EXPECT_EQ(database.write([](Tx& tx) { return delete_unconfirmed(tx, kNow - 5, 2); }).value(), gone) << "in batches";
  const auto left = database.read([](Tx& tx) { return list_clients(tx); });
  ASSERT_EQ(left->size(), 2u);
  EXPECT_EQ((*left)[0].username, "sure");
  EXPECT_EQ((*left)[1].username, "young");
}

TEST(Accounts, DeletionShutsTheAccountAtOnceAndEndsWithTheLastProject) {
  TestDatabase database;
  const ClientRow ada = database.add_client("ada");
  const ClientRow bob = database.add_client("bob");
  const ProjectRow project = database.add_project("hello", ada.id);
  const ProjectRow shared = database.add_project("shared", bob.id);
  TokenRow token;
  token.id = new_uuid();
  token.client_id = ada.id;
  token.hash = "h";
  token.name = "n";
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    TRY(insert_token(tx, token));
    TRY(insert_key(tx, {new_uuid(), ada.id, "ssh-ed25519", "AAAA", "SHA256:x", "", 1}));
    TRY(set_member(tx, {shared.id, ada.id, Role::kViewer, 1}));
    return insert_link(tx, link(ada, kResetPassword, "l"));
  }));
  const auto belongings = database.read([&](Tx& tx) { return belongings_of(tx, ada.id); });
  EXPECT_EQ(belongings->projects, std::vector<std::string>{"hello"});
  EXPECT_EQ(belongings->memberships, 1);
  EXPECT_EQ(belongings->sessions, 1);
  EXPECT_EQ(belongings->tokens, 0);
  EXPECT_EQ(belongings->keys, 1);
  ASSERT_TRUE(database.write([&](Tx& tx) { return begin_deletion(tx, ada.id, kNow); }));
  EXPECT_EQ(database.read([&](Tx& tx) { return find_client(tx, ada.id); })->suspended_at, kNow);
  EXPECT_FALSE(database.read([](Tx& tx) { return find_client_by_email(tx, "ada@example.org"); }));
  EXPECT_FALSE(database.read([](Tx& tx) { return find_token(tx, "h"); }));
  EXPECT_FALSE(database.read([](Tx& tx) { return find_key(tx, "SHA256:x"); }));
  EXPECT_FALSE(database.read([](Tx& tx) { return find_link(tx, "l", kNow); }));
  EXPECT_EQ(database.read([](Tx& tx) { return clients_in_deletion(tx); }).value(), std::vector<std::string>{ada.id});
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_client(tx, ada.id); }).value()) << "it owns a Project";
  ASSERT_TRUE(database.write([&](Tx& tx) { return delete_project(tx, project.id); }));
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_client(tx, ada.id); }).value());
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_client(tx, ada.id); }).value());
  EXPECT_EQ(database.read([&](Tx& tx) { return find_client(tx, ada.id); }).error().code, Code::kNotFound);
  EXPECT_EQ(database.read([&](Tx& tx) { return list_people(tx, shared.id); })->size(), 1u) << "its owner alone";
}

TEST(Accounts, AdministratorsWhoCanActAreCounted) {
  TestDatabase database;
  std::vector<ClientRow> roots;
  for (const char* name : {"root1", "root2", "root3"}) {
    roots.push_back({new_uuid(), std::string(name) + "@example.org", name, "hash", true, 1, 1});
    ASSERT_TRUE(database.write([&](Tx& tx) { return insert_client(tx, roots.back()); }));
  }
  database.add_client("ada");
  const auto others = [&] {
    return database.read([&](Tx& tx) { return other_administrators(tx, roots[0].id); }).value();
  };
  EXPECT_EQ(others(), 2);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_suspended(tx, roots[1].id, kNow); }));
  EXPECT_EQ(others(), 1);
  ASSERT_TRUE(database.write([&](Tx& tx) { return begin_deletion(tx, roots[2].id, kNow); }));
  EXPECT_EQ(others(), 0);
}

TEST(Links, WorkOnceUntilTheyAreOverOrReplaced) {
  TestDatabase database;
  const ClientRow ada = database.add_client("ada");
  const auto insert = [&](const LinkRow& row) { return database.write([&](Tx& tx) { return insert_link(tx, row); }); };
  const auto take = [&](const std::string& hash, std::int64_t now) {
    return database.write([&](Tx& tx) { return take_link(tx, hash, now); });
  };
  ASSERT_TRUE(insert(link(ada, kResetPassword, "one")));
  ASSERT_TRUE(insert(link(ada, kConfirmEmail, "other purpose")));
  EXPECT_FALSE(take("unknown", kNow));
  EXPECT_FALSE(take("one", kNow + 1000)) << "over";
  EXPECT_EQ(database.read([](Tx& tx) { return find_link(tx, "one", kNow); })->purpose, kResetPassword);
  const auto taken = take("one", kNow + 999);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->client_id, ada.id);
  const auto again = take("one", kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kNotFound);
  ASSERT_TRUE(insert(link(ada, kResetPassword, "two")));
  ASSERT_TRUE(insert(link(ada, kResetPassword, "three")));
  EXPECT_FALSE(take("two", kNow)) << "a newer mail counts";
  EXPECT_TRUE(take("three", kNow));
  EXPECT_TRUE(take("other purpose", kNow));
  EXPECT_EQ(insert({"x", new_uuid(), "confirm_email", "", 1, 2}).error().code, Code::kNotFound);
}

TEST(Invitations, AreToOneAddressAndWorkOnce) {
  TestDatabase database;
  const ClientRow root = database.add_client("root");
  const auto insert = [&](const std::string& hash, const std::string& email) {
    const InvitationRow row{new_uuid(), hash, email, root.id, "", kNow, kNow + 1000};
    EXPECT_TRUE(database.write([&](Tx& tx) { return insert_invitation(tx, row); }));
    return row.id;
  };
  const auto take = [&](const std::string& hash) {
    return database.write([&](Tx& tx) { return take_invitation(tx, hash, kNow); });
  };
  insert("a1", "ada@example.org");
  insert("a2", "ada@example.org");
  const std::string bobs = insert("b", "bob@example.org");
  EXPECT_FALSE(take("a1")) << "replaced";
  const auto all = database.read([](Tx& tx) { return list_invitations(tx, kNow, "", 10); });
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].email, "ada@example.org");
  EXPECT_EQ((*all)[0].inviter, "root");
  EXPECT_EQ(database.read([](Tx& tx) { return list_invitations(tx, kNow, "ada@example.org", 10); })->size(), 1u);
  EXPECT_TRUE(database.read([](Tx& tx) { return list_invitations(tx, kNow + 1000, "", 10); })->empty());
  EXPECT_EQ(take("a2")->email, "ada@example.org");
  EXPECT_FALSE(take("a2"));
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_invitation(tx, bobs); }).value());
  EXPECT_FALSE(database.write([&](Tx& tx) { return delete_invitation(tx, bobs); }).value());
  EXPECT_FALSE(take("b"));
}

TEST(Mails, ComeInTheOrderInWhichTheyAreDue) {
  TestDatabase database;
  const auto next = [&] { return database.read([](Tx& tx) { return next_mail(tx); }).value(); };
  EXPECT_FALSE(next());
  for (const auto& [id, at] : {std::pair{"late", kNow + 10}, std::pair{"early", kNow}})
    ASSERT_TRUE(database.write([&](Tx& tx) { return insert_mail(tx, {id, "sealed", 0, "", at, kNow}); }));
  ASSERT_TRUE(next());
  EXPECT_EQ(next()->id, "early");
  ASSERT_TRUE(database.write([](Tx& tx) { return postpone_mail(tx, "early", kNow + 20, "no route"); }));
  EXPECT_EQ(next()->id, "late");
  ASSERT_TRUE(database.write([](Tx& tx) { return delete_mail(tx, "late"); }));
  EXPECT_EQ(next()->attempts, 1);
  EXPECT_EQ(next()->error, "no route");
  EXPECT_EQ(next()->next_at, kNow + 20);
  EXPECT_EQ(database.read([](Tx& tx) { return count_mails(tx); }).value(), 1);
}

}  // namespace
}  // namespace paastech::store
