#include "store/project_summaries.h"

#include <gtest/gtest.h>

#include "store/members.h"
#include "store/sqlite_session.h"
#include "store/test_database.h"
#include "store/tokens.h"

namespace paastech::store {
namespace {

std::vector<std::string> names(const Result<std::vector<ProjectSummary>>& projects) {
  std::vector<std::string> out;
  for (const ProjectSummary& project : projects.value()) out.push_back(project.row.name);
  return out;
}

class ProjectSummaries : public ::testing::Test {
 protected:
  Result<std::vector<ProjectSummary>> list(const ProjectPage& page) {
    return database_.read([&](Tx& tx) { return list_project_summaries(tx, page); });
  }
  void add_deployment(const ProjectRow& project, const std::string& actor, DeploymentState state) {
    DeploymentRow row;
    row.project_id = project.id;
    row.actor_id = actor;
    row.environment = "sealed";
    database_.add_deployment(std::move(row), state);
  }
  void add_member(const ProjectRow& project, const ClientRow& client, Role role) {
    EXPECT_TRUE(database_.write([&](Tx& tx) { return set_member(tx, {project.id, client.id, role, 1}); }));
  }
  TestDatabase database_;
  const ClientRow ann_ = database_.add_client("ann");
  const ClientRow bob_ = database_.add_client("bob");
};

TEST_F(ProjectSummaries, AreOnesOwnAndSharedOnesWithTheRoleInEach) {
  const ProjectRow own = database_.add_project("beta", ann_.id);
  const ProjectRow shared = database_.add_project("alpha", bob_.id);
  database_.add_project("foreign", bob_.id);
  add_member(shared, ann_, Role::kMaintainer);
  const auto mine = list({ann_.id});
  ASSERT_EQ(names(mine), (std::vector<std::string>{"alpha", "beta"}));
  EXPECT_EQ(mine->at(0).role, Role::kMaintainer);
  EXPECT_EQ(mine->at(0).owner, "bob");
  EXPECT_EQ(mine->at(1).role, Role::kOwner);
  EXPECT_EQ(names(list({bob_.id})), (std::vector<std::string>{"alpha", "foreign"}));
  ProjectPage all{ann_.id};
  all.everybody = true;
  const auto everybody = list(all);
  ASSERT_EQ(names(everybody), (std::vector<std::string>{"alpha", "beta", "foreign"}));
  EXPECT_EQ(everybody->at(2).role, Role::kNone);
  EXPECT_EQ(database_.read([&](Tx& tx) { return find_project_summary(tx, shared.id, ann_.id); })->role,
            Role::kMaintainer);
  EXPECT_EQ(database_.read([&](Tx& tx) { return find_project_summary(tx, own.id, bob_.id); })->role, Role::kNone);
  EXPECT_FALSE(database_.read([&](Tx& tx) { return find_project_summary(tx, new_uuid(), bob_.id); }));
}

TEST_F(ProjectSummaries, ComeByPagesInTheOrderOfNames) {
  for (const char* name : {"delta", "alpha", "charlie", "bravo"}) database_.add_project(name, ann_.id);
  ProjectPage page{ann_.id};
  page.limit = 3;
  EXPECT_EQ(names(list(page)), (std::vector<std::string>{"alpha", "bravo", "charlie"}));
  page.after = "charlie";
  EXPECT_EQ(names(list(page)), std::vector<std::string>{"delta"});
}

TEST_F(ProjectSummaries, OfALimitedTokenAreThoseThatItReaches) {
  const ProjectRow one = database_.add_project("one", ann_.id);
  database_.add_project("two", ann_.id);
  TokenRow token;
  token.id = new_uuid();
  token.client_id = ann_.id;
  token.hash = "hash";
  token.limited = true;
  token.projects = {one.id};
  ASSERT_TRUE(database_.write([&](Tx& tx) { return insert_token(tx, token); }));
  EXPECT_EQ(names(list({ann_.id, token.id})), std::vector<std::string>{"one"});
  EXPECT_EQ(names(list({ann_.id, new_uuid()})), std::vector<std::string>{});
}

TEST_F(ProjectSummaries, ShowTheLiveAndTheNewestDeployment) {
  const ProjectRow none = database_.add_project("none", ann_.id);
  const ProjectRow same = database_.add_project("same", ann_.id);
  const ProjectRow both = database_.add_project("they-differ", ann_.id);
  add_deployment(same, bob_.id, DeploymentState::kLive);
  add_deployment(both, ann_.id, DeploymentState::kLive);
  add_deployment(both, new_uuid(), DeploymentState::kFailed);
  const auto projects = list({ann_.id});
  ASSERT_TRUE(projects) << projects.error().message;
  EXPECT_FALSE(projects->at(0).latest || projects->at(0).current);
  ASSERT_TRUE(projects->at(1).latest && projects->at(1).current);
  EXPECT_EQ(projects->at(1).latest->actor, "bob");
  EXPECT_EQ(projects->at(1).current->row.number, 1);
  ASSERT_TRUE(projects->at(2).latest && projects->at(2).current);
  EXPECT_EQ(projects->at(2).latest->row.state, DeploymentState::kFailed);
  EXPECT_EQ(projects->at(2).latest->actor, "");  // an account that is gone
  EXPECT_EQ(projects->at(2).current->row.number, 1);
  EXPECT_EQ(projects->at(2).current->row.environment, "");
}

// What SQLite does for a list, counted in steps of its machine.
TEST_F(ProjectSummaries, CostNothingForTheProjectsOfOthers) {
  if (FreshPlace::postgresql()) GTEST_SKIP() << "counts SQLite's steps";
  const auto steps = [&](bool everybody) {
    long count = 0;
    EXPECT_TRUE(database_.read([&](Tx& tx) -> Status {
      sqlite_api::sqlite3* connection = sqlite_connection(tx.sql);
      const auto step = [](void* counter) { return ++*static_cast<long*>(counter), 0; };
      sqlite_api::sqlite3_progress_handler(connection, 1, step, &count);
      ProjectPage page{ann_.id};
      page.everybody = everybody;
      page.limit = 2000;
      const auto projects = list_project_summaries(tx, page);
      sqlite_api::sqlite3_progress_handler(connection, 0, nullptr, nullptr);
      return projects ? Status() : Status(std::unexpected(projects.error()));
    }));
    return count;
  };
  const ProjectRow shared = database_.add_project("shared", bob_.id);
  add_member(shared, ann_, Role::kViewer);
  for (int i = 0; i < 5; ++i)
    add_deployment(database_.add_project("own" + std::to_string(i), ann_.id), ann_.id, DeploymentState::kLive);
  const ClientRow carl = database_.add_client("carl");
  const long few = steps(false);
  const Status filled = write_rows(*database_, 1000, [&](Tx& tx, int i) -> Status {
    const ProjectRow other{new_uuid(), "other" + std::to_string(i), bob_.id, false, false, 1, 1};
    TRY(insert_project(tx, other));
    return set_member(tx, {other.id, carl.id, Role::kViewer, 1});
  });
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_NEAR(static_cast<double>(steps(false)), static_cast<double>(few), 0.05 * static_cast<double>(few));
  EXPECT_GT(steps(true), 10 * few);  // the control: this one does grow
}

}  // namespace
}  // namespace paastech::store
