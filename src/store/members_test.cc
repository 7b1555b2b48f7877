#include "store/members.h"

#include <gtest/gtest.h>

#include "store/project_invitations.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

TEST(Members, HaveARoleInTheirProjectOnly) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const ProjectRow one = database.add_project("one", ann.id);
  const ProjectRow two = database.add_project("two", ann.id);
  const auto role = [&](const ProjectRow& project, const std::string& client) {
    return database.read([&](Tx& tx) { return role_in(tx, project, client); }).value();
  };
  const auto set = [&](Role wanted) {
    return database.write([&](Tx& tx) { return set_member(tx, {one.id, bob.id, wanted, 5}); });
  };
  ASSERT_TRUE(set(Role::kViewer));
  EXPECT_EQ(role(one, bob.id), Role::kViewer);
  ASSERT_TRUE(set(Role::kMaintainer));
  EXPECT_EQ(role(one, bob.id), Role::kMaintainer);
  EXPECT_EQ(role(two, bob.id), Role::kNone);
  EXPECT_EQ(role(one, ann.id), Role::kOwner);
  EXPECT_EQ(role(one, ""), Role::kNone);
  EXPECT_EQ(database.read([&](Tx& tx) { return list_people(tx, one.id); })->size(), 2u) << "with the owner";
  EXPECT_TRUE(database.write([&](Tx& tx) { return delete_member(tx, one.id, bob.id); }).value());
  EXPECT_EQ(role(one, bob.id), Role::kNone);
}

TEST(Members, AreListedBehindTheOwnerTheOldestFirst) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const ClientRow eve = database.add_client("eve");
  const ProjectRow one = database.add_project("one", eve.id);
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    TRY(set_member(tx, {one.id, bob.id, Role::kViewer, 8}));
    return set_member(tx, {one.id, ann.id, Role::kMaintainer, 9});
  }));
  const auto people = database.read([&](Tx& tx) { return list_people(tx, one.id); });
  ASSERT_EQ(people->size(), 3u);
  EXPECT_EQ(people->at(0).username, "eve");
  EXPECT_EQ(people->at(0).role, Role::kOwner);
  EXPECT_EQ(people->at(0).since, one.created_at);
  EXPECT_EQ(people->at(1).username, "bob");
  EXPECT_EQ(people->at(2).role, Role::kMaintainer);
  EXPECT_EQ(people->at(2).since, 9);
}

TEST(Members, ChangePlacesWhenAProjectIsTransferred) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const ProjectRow one = database.add_project("one", ann.id);
  const ProjectRow two = database.add_project("two", ann.id);
  const auto invite = [&](const ProjectRow& project) {
    return database.write([&](Tx& tx) {
      ProjectInvitationRow row{
          .id = new_uuid(), .hash = new_uuid(), .email = "x@example.org", .project_id = project.id};
      row.inviter_id = ann.id;
      row.expires_at = 100;
      return insert_project_invitation(tx, row);
    });
  };
  ASSERT_TRUE(invite(one) && invite(two));
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_member(tx, {one.id, bob.id, Role::kViewer, 5}); }));
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_owner(tx, one, bob.id, 50); }));
  const auto people = database.read([&](Tx& tx) { return list_people(tx, one.id); });
  ASSERT_EQ(people->size(), 2u);
  EXPECT_EQ(people->at(0).username, "bob");
  EXPECT_EQ(people->at(0).role, Role::kOwner);
  EXPECT_EQ(people->at(0).since, 50);
  EXPECT_EQ(people->at(1).username, "ann");
  EXPECT_EQ(people->at(1).role, Role::kMaintainer);
  const auto open = [&](const ProjectRow& project) {
    return database.read([&](Tx& tx) { return list_project_invitations(tx, project.id, 1); })->size();
  };
  EXPECT_EQ(open(one), 0u);
  EXPECT_EQ(open(two), 1u);
  EXPECT_FALSE(database.write([&](Tx& tx) { return set_owner(tx, two, new_uuid(), 50); }));
}

TEST(Members, OfNoProjectAreRefused) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const Status status = database.write([&](Tx& tx) { return set_member(tx, {new_uuid(), ann.id, Role::kViewer, 5}); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace paastech::store
