#include "store/audit.h"

#include <gtest/gtest.h>

#include "store/test_database.h"
#include "store/tokens.h"

namespace paastech::store {
namespace {

class AuditLog : public ::testing::Test {
 protected:
  void add(std::int64_t at, const std::string& actor, const std::string& action, const std::string& project = "") {
    AuditRow row;
    row.id = audit_key(at) + "0";
    row.at = at;
    row.actor_id = actor;
    row.actor = actor;
    row.address = "192.0.2.1";
    row.action = action;
    row.project_id = project;
    row.result = "ok";
    EXPECT_TRUE(database_.write([&](Tx& tx) { return insert_audit(tx, row); }));
  }
  std::vector<std::int64_t> times(const AuditFilter& filter, int limit = 100) {
    std::vector<std::int64_t> out;
    for (const AuditRow& row : *database_.read([&](Tx& tx) { return list_audit(tx, filter, limit); }))
      out.push_back(row.at);
    return out;
  }
  TestDatabase database_;
};
using Times = std::vector<std::int64_t>;

TEST_F(AuditLog, IsReadNewestFirstAndByEveryFilter) {
  add(1, "ann", "key.add");
  add(2, "bob", "key.add");
  add(3, "ann", "project.create", "p1");
  add(4'000'000'000'000, "ann", "project.delete", "p2");
  EXPECT_EQ(times({}), (Times{4'000'000'000'000, 3, 2, 1}));
  EXPECT_EQ(times({}, 2), (Times{4'000'000'000'000, 3}));
  EXPECT_EQ(times({.actor_id = "ann"}), (Times{4'000'000'000'000, 3, 1}));
  EXPECT_EQ(times({.actor_id = "ann", .action = "key.add"}), Times{1});
  EXPECT_EQ(times({.project_id = "p1"}), Times{3});
  EXPECT_EQ(times({.from = audit_key(2)}), (Times{4'000'000'000'000, 3, 2}));
  EXPECT_EQ(times({.below = audit_key(3)}), (Times{2, 1}));
  EXPECT_EQ(times({.from = audit_key(2), .below = audit_key(4)}), (Times{3, 2}));
}

TEST_F(AuditLog, ShowsALimitedTokenWhatWasDoneInItsProjects) {
  const ClientRow ann = database_.add_client("ann");
  const ProjectRow one = database_.add_project("one", ann.id);
  TokenRow token;
  token.id = new_uuid();
  token.client_id = ann.id;
  token.hash = "hash";
  token.limited = true;
  token.projects = {one.id};
  ASSERT_TRUE(database_.write([&](Tx& tx) { return insert_token(tx, token); }));
  add(1, "ann", "key.add");
  add(2, "ann", "project.create", one.id);
  add(3, "ann", "project.create", new_uuid());
  EXPECT_EQ(times({.token_id = token.id}), Times{2});
}

TEST_F(AuditLog, LosesTheOldestByAgeAFewAtATime) {
  for (int at = 1; at <= 5; ++at) add(at, "ann", "key.add");
  const auto remove = [&](std::int64_t before, int most) {
    return database_.write([&](Tx& tx) { return delete_audit(tx, before, most); }).value();
  };
  EXPECT_EQ(remove(5, 3), 3);
  EXPECT_EQ(times({}), (Times{5, 4}));
  EXPECT_EQ(remove(5, 3), 1);
  EXPECT_EQ(remove(5, 3), 0);
  EXPECT_EQ(times({}), Times{5});
}

}  // namespace
}  // namespace paastech::store
