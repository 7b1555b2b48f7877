// Clients as administrators see them, announcements, and the overview.
#include "store/managed_clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/accounts.h"
#include "store/announcements.h"
#include "store/audit.h"
#include "store/deployments.h"
#include "store/mails.h"
#include "store/overview.h"
#include "store/test_database.h"
#include "store/tokens.h"

namespace paastech::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

struct ManagedClients : testing::Test {
  std::vector<std::string> names(const ClientPage& page) {
    const auto found = database.read([&](Tx& tx) { return list_managed_clients(tx, page); });
    EXPECT_TRUE(found);
    std::vector<std::string> out;
    for (const ManagedClient& client : *found) out.push_back(client.row.username);
    return out;
  }
  ManagedClient find(const std::string& wanted) {
    return database.read([&](Tx& tx) { return find_managed_client(tx, wanted); }).value();
  }
  TestDatabase database;
};

TEST_F(ManagedClients, AreSearchedByAPartOfNameOrAddress) {
  for (const char* name : {"ann", "anna_b", "bob", "carl"}) database.add_client(name);
  EXPECT_THAT(names({}), ElementsAre("ann", "anna_b", "bob", "carl"));
  EXPECT_THAT(names({.search = "ANN"}), ElementsAre("ann", "anna_b"));
  EXPECT_THAT(names({.search = "ob@example"}), ElementsAre("bob"));
  EXPECT_THAT(names({.search = "a_b"}), ElementsAre("anna_b"));  // not any character
  EXPECT_THAT(names({.search = "%"}), IsEmpty());
  EXPECT_THAT(names({.search = "!"}), IsEmpty());
  EXPECT_THAT(names({.search = "' OR 1=1 --"}), IsEmpty());
  EXPECT_THAT(names({.after = "ann", .limit = 2}), ElementsAre("anna_b", "bob"));
}

TEST_F(ManagedClients, ShowTheirStateProjectsAndWhenTheyWereSeen) {
  const ClientRow ann = database.add_client("ann");
  EXPECT_EQ(find("ANN").row.id, ann.id);
  EXPECT_EQ(find(ann.id).row.username, "ann");
  EXPECT_EQ(find("ann").last_seen_at, 0);
  EXPECT_EQ(state_of(find("ann")), "active");
  EXPECT_EQ(database.read([](Tx& tx) { return find_managed_client(tx, "nobody"); }).error().code, Code::kNotFound);
  database.add_project("one", ann.id);
  database.add_project("two", ann.id);
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    TRY(insert_token(tx, {.id = new_uuid(), .client_id = ann.id, .hash = "h", .name = "t", .last_used_at = 50}));
    TRY(insert_audit(tx, {.id = "1", .at = 70, .actor_id = ann.id, .action = "project.create", .result = "ok"}));
    return insert_audit(tx, {.id = "2", .at = 90, .actor_id = ann.id, .action = "session.create", .result = "denied"});
  }));
  EXPECT_EQ(find("ann").projects, 2);
  EXPECT_EQ(find("ann").last_seen_at, 70);  // what others tried in its name does not count
  ASSERT_TRUE(database.write(
      [&](Tx& tx) { return insert_key(tx, {new_uuid(), ann.id, "ssh-ed25519", "AAAA", "SHA256:x", "", 1, 0}); }));
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_suspended(tx, ann.id, 5, "mining"); }));
  EXPECT_EQ(state_of(find("ann")), "suspended");
  EXPECT_EQ(find("ann").row.suspended_reason, "mining");
  EXPECT_THAT(database.read([](Tx& tx) { return suspended_clients(tx); }).value(), ElementsAre(ann.id));
  ASSERT_TRUE(database.write([&](Tx& tx) { return begin_deletion(tx, ann.id, 9); }));
  EXPECT_EQ(state_of(find("ann")), "deleting");
}

TEST_F(ManagedClients, TheLastAdministratorWhoCanActIsSpared) {
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const auto spare = [&](const std::string& name) {
    return database.read([&](Tx& tx) { return spare_last_administrator(tx, find_managed_client(tx, name)->row); });
  };
  EXPECT_TRUE(spare("ann"));  // is none
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_administrator(tx, ann.id, true); }));
  EXPECT_EQ(spare("ann").error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_administrator(tx, bob.id, true); }));
  EXPECT_TRUE(spare("ann"));
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_suspended(tx, bob.id, 1); }));
  EXPECT_FALSE(spare("ann"));
}

TEST_F(ManagedClients, AnnouncementsEndByThemselvesAndAreBounded) {
  const auto ids = [&](const Result<std::vector<AnnouncementRow>>& rows) {
    std::vector<std::string> out;
    for (const AnnouncementRow& row : *rows) out.push_back(row.id);
    return out;
  };
  const auto add = [&](const AnnouncementRow& row) {
    return database.write([&](Tx& tx) { return insert_announcement(tx, row); });
  };
  ASSERT_TRUE(add({"a", "info", "until it is deleted", 10}));
  ASSERT_TRUE(add({"b", "warning", "until 50", 20, 50}));
  EXPECT_THAT(ids(database.read([](Tx& tx) { return active_announcements(tx, 49); })), ElementsAre("b", "a"));
  EXPECT_THAT(ids(database.read([](Tx& tx) { return active_announcements(tx, 50); })), ElementsAre("a"));
  EXPECT_THAT(ids(database.read([](Tx& tx) { return list_announcements(tx); })), ElementsAre("b", "a"));
  EXPECT_TRUE(database.write([](Tx& tx) { return delete_announcement(tx, "a"); }).value());
  EXPECT_FALSE(database.write([](Tx& tx) { return delete_announcement(tx, "a"); }).value());
  for (int i = 1; i < kMaxAnnouncements; ++i) ASSERT_TRUE(add({std::to_string(i), "info", "x", i}));
  EXPECT_EQ(add({"c", "info", "x", 1}).error().code, Code::kFailedPrecondition);
}

TEST_F(ManagedClients, TheOverviewCountsByState) {
  const ClientRow ann = database.add_client("ann");
  const ClientRow bob = database.add_client("bob");
  const auto project = [&](const std::string& name, const ClientRow& owner, std::vector<DeploymentState> states) {
    const ProjectRow row = database.add_project(name, owner.id);
    for (const DeploymentState state : states) {
      EXPECT_TRUE(database.write([&](Tx& tx) -> Status {
        DeploymentRow deployment;
        deployment.project_id = row.id;
        deployment.actor_id = owner.id;
        TRY(insert_deployment(tx, deployment));
        if (state == DeploymentState::kLive) deployment.state = DeploymentState::kStarting;
        TRY(update_deployment(tx, deployment));
        deployment.state = state;
        return update_deployment(tx, deployment);
      }));
    }
    return row;
  };
  project("empty", ann, {});
  project("live", ann, {DeploymentState::kLive, DeploymentState::kFailed});
  const ProjectRow stopped = project("stopped", ann, {DeploymentState::kLive});
  project("failed", ann, {DeploymentState::kFailed});
  project("queued", ann, {DeploymentState::kLive, DeploymentState::kQueued});
  project("building", ann, {DeploymentState::kBuilding});
  project("suspended", bob, {DeploymentState::kLive});
  project("never-ran", bob, {});
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    TRY(set_stopped(tx, stopped.id, true));
    TRY(insert_mail(tx, {.id = "m", .body = "x", .next_at = 1, .created_at = 1}));
    return set_suspended(tx, bob.id, 1);
  }));
  const auto overview = database.read([](Tx& tx) { return read_overview(tx); });
  ASSERT_TRUE(overview) << overview.error().message;
  EXPECT_THAT(overview->clients, UnorderedElementsAre(Pair("active", 1), Pair("suspended", 1), Pair("unconfirmed", 0),
                                                      Pair("deleting", 0)));
  EXPECT_THAT(overview->projects, UnorderedElementsAre(Pair("empty", 2), Pair("live", 1), Pair("stopped", 1),
                                                       Pair("failed", 1), Pair("deploying", 2), Pair("suspended", 1)));
  EXPECT_EQ(overview->builds_running, 1);
  EXPECT_EQ(overview->builds_queued, 1);
  EXPECT_EQ(overview->mails_waiting, 1);
}

}  // namespace
}  // namespace paastech::store
