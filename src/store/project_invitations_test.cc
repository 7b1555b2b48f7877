#include "store/project_invitations.h"

#include <gtest/gtest.h>

#include "store/test_database.h"

namespace paastech::store {
namespace {

class ProjectInvitations : public ::testing::Test {
 protected:
  ProjectInvitationRow row(const std::string& hash, const std::string& email) {
    ProjectInvitationRow out{.id = new_uuid(), .hash = hash, .email = email, .project_id = one_.id};
    out.role = Role::kMaintainer;
    out.inviter_id = ann_.id;
    out.created_at = 10;
    out.expires_at = 100;
    return out;
  }
  Status insert(const ProjectInvitationRow& row) {
    return database_.write([&](Tx& tx) { return insert_project_invitation(tx, row); });
  }
  Result<ProjectInvitationRow> find(const std::string& hash, std::int64_t now) {
    return database_.read([&](Tx& tx) { return find_project_invitation(tx, hash, now); });
  }
  std::size_t count(std::int64_t now) {
    return database_.read([&](Tx& tx) { return list_project_invitations(tx, one_.id, now); })->size();
  }
  TestDatabase database_;
  const ClientRow ann_ = database_.add_client("ann");
  const ProjectRow one_ = database_.add_project("one", ann_.id);
};

TEST_F(ProjectInvitations, AreFoundByTheirSecretsHashUntilTheyAreOver) {
  const ProjectInvitationRow made = row("h1", "bob@example.org");
  ASSERT_TRUE(insert(made));
  const auto found = find("h1", 99);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->role, Role::kMaintainer);
  EXPECT_EQ(found->project, "one");
  EXPECT_EQ(found->inviter, "ann");
  EXPECT_EQ(found->username, "");
  EXPECT_EQ(count(99), 1u);
  EXPECT_EQ(find("h1", 100).error().code, Code::kNotFound);
  EXPECT_EQ(find("h2", 99).error().code, Code::kNotFound);
  EXPECT_EQ(count(100), 0u);
}

TEST_F(ProjectInvitations, ReplaceTheOlderOneOfTheSamePerson) {
  const ClientRow bob = database_.add_client("bob");
  ASSERT_TRUE(insert(row("h1", "bob@example.org")));
  ASSERT_TRUE(insert(row("h2", "eve@example.org")));
  ASSERT_TRUE(insert(row("h3", "bob@example.org")));
  ProjectInvitationRow direct = row("h4", "");
  direct.client_id = bob.id;
  ASSERT_TRUE(insert(direct));
  EXPECT_FALSE(find("h1", 50));
  EXPECT_TRUE(find("h2", 50));
  EXPECT_TRUE(find("h3", 50));
  EXPECT_EQ(find("h4", 50)->username, "bob");
  EXPECT_EQ(count(50), 3u);
}

TEST_F(ProjectInvitations, OfOneClientGoByItsIdAndItsAddressInThatProjectOnly) {
  const ClientRow bob = database_.add_client("bob");
  ASSERT_TRUE(insert(row("h1", "bob@example.org")));
  ASSERT_TRUE(insert(row("h2", "eve@example.org")));
  ProjectInvitationRow direct = row("h3", "");
  direct.client_id = bob.id;
  ASSERT_TRUE(insert(direct));
  ProjectInvitationRow elsewhere = row("h4", "bob@example.org");
  elsewhere.project_id = database_.add_project("two", ann_.id).id;
  ASSERT_TRUE(insert(elsewhere));
  ASSERT_TRUE(database_.write([&](Tx& tx) { return delete_invitations_of(tx, one_.id, bob.id); }));
  EXPECT_FALSE(find("h1", 50));
  EXPECT_FALSE(find("h3", 50));
  EXPECT_TRUE(find("h2", 50)) << "another one's";
  EXPECT_TRUE(find("h4", 50)) << "to another Project";
}

TEST_F(ProjectInvitations, AreWithdrawnInTheirOwnProjectOnly) {
  const ProjectInvitationRow made = row("h1", "bob@example.org");
  ASSERT_TRUE(insert(made));
  const ProjectRow two = database_.add_project("two", ann_.id);
  const auto withdraw = [&](const std::string& project) {
    return database_.write([&](Tx& tx) { return delete_project_invitation(tx, project, made.id); }).value();
  };
  EXPECT_FALSE(withdraw(two.id));
  EXPECT_TRUE(withdraw(one_.id));
  EXPECT_FALSE(withdraw(one_.id));
  EXPECT_FALSE(find("h1", 50));
}

}  // namespace
}  // namespace paastech::store
