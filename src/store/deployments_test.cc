#include "store/deployments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/overview.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using enum DeploymentState;
using testing::ElementsAre;
using testing::HasSubstr;

struct DeploymentsTest : testing::Test {
  TestDatabase database;
  ClientRow ann = database.add_client("ann");
  ProjectRow hello = database.add_project("hello", ann.id);

  DeploymentRow add(const std::string& project_id, std::int64_t at = 1, DeploymentState state = kQueued) {
    DeploymentRow row;
    row.project_id = project_id;
    row.actor_id = ann.id;
    row.created_at = at;
    row.state = state;
    EXPECT_TRUE(database.write([&](Tx& tx) { return insert_deployment(tx, row); }));
    return row;
  }
  Status update(const DeploymentRow& row) {
    return database.write([&](Tx& tx) { return update_deployment(tx, row); });
  }
  Status move(DeploymentRow row, DeploymentState state) {
    row.state = state;
    return update(row);
  }
  Result<DeploymentRow> find(std::int64_t number) {
    return database.read([&](Tx& tx) { return find_deployment(tx, hello.id, number); });
  }
  std::vector<std::int64_t> listed(int limit, std::int64_t before) {
    std::vector<std::int64_t> numbers;
    for (const DeploymentRow& row :
         *database.read([&](Tx& tx) { return list_deployments(tx, hello.id, limit, before); }))
      numbers.push_back(row.number);
    return numbers;
  }
};

TEST_F(DeploymentsTest, ThatAreQueuedAreOfTheProjectAskedForOnly) {
  const ProjectRow other = database.add_project("other", ann.id);
  add(other.id, 1);
  add(hello.id, 9);
  add(hello.id, 5);
  ASSERT_TRUE(move(add(hello.id, 5), kBuilding));
  const auto queued = database.read([&](Tx& tx) { return queued_deployments(tx, hello.id); });
  ASSERT_TRUE(queued);
  ASSERT_EQ(queued->size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*queued)[i].project_id, hello.id);
    EXPECT_EQ((*queued)[i].number, static_cast<std::int64_t>(i + 1));
  }
}

TEST_F(DeploymentsTest, AreCountedByStateWithoutHistory) {
  add(hello.id);
  add(database.add_project("other", ann.id).id);
  ASSERT_TRUE(move(add(hello.id), kCancelled));
  const auto numbers = database.read([](Tx& tx) { return count_deployments(tx); });
  ASSERT_TRUE(numbers);
  EXPECT_EQ(*numbers, (std::map<std::string, std::int64_t>{
                          {"queued", 2}, {"building", 0}, {"releasing", 0}, {"starting", 0}, {"live", 0}}));
  EXPECT_EQ(database.read([](Tx& tx) { return count_projects(tx); }).value_or(-1), 2);
  EXPECT_TRUE(database.read([](Tx& tx) { return check_answers(tx); }));
}

TEST_F(DeploymentsTest, AreNumberedPerProjectAndNeverTwice) {
  const ProjectRow other = database.add_project("other", ann.id);
  EXPECT_EQ(add(hello.id).number, 1);
  EXPECT_EQ(add(hello.id).number, 2);
  EXPECT_EQ(add(other.id).number, 1);
  DeploymentRow undone;
  undone.project_id = hello.id;
  const Status status = database.write([&](Tx& tx) -> Status {
    TRY(insert_deployment(tx, undone));
    return fail(Code::kAborted, "");
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(add(hello.id).number, 3);
  undone.project_id = new_uuid();
  EXPECT_EQ(database.write([&](Tx& tx) { return insert_deployment(tx, undone); }).error().code, Code::kNotFound);
}

TEST_F(DeploymentsTest, KeepEveryColumn) {
  DeploymentRow row;
  row.project_id = hello.id;
  row.actor_id = ann.id;
  row.cause = DeploymentCause::kConfig;
  row.commit = "c0ffee";
  row.origin = 7;
  row.created_at = 1700000000001;
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_deployment(tx, row); }));
  row.state = kFailed;
  row.commit_subject = "Füge hinzu";
  row.image = "paastech/x:1";
  row.port = 8080;
  row.processes = "{\"web\":{}}";
  row.environment = "v1:abc";
  row.reason = "exited";
  row.message = "it's over";
  row.finished_at = 1700000000002;
  ASSERT_TRUE(update(row));
  EXPECT_EQ(find(1)->environment, "") << "an update of a row read before must not undo a rotation of keys";
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_snapshot(tx, row); }));
  const Result<DeploymentRow> back = find(1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->project_id, hello.id);
  EXPECT_EQ(back->actor_id, ann.id);
  EXPECT_EQ(back->cause, DeploymentCause::kConfig);
  EXPECT_EQ(back->state, kFailed);
  EXPECT_EQ(back->commit, "c0ffee");
  EXPECT_EQ(back->commit_subject, "Füge hinzu");
  EXPECT_EQ(back->image, "paastech/x:1");
  EXPECT_EQ(back->port, 8080);
  EXPECT_EQ(back->processes, "{\"web\":{}}");
  EXPECT_EQ(back->environment, "v1:abc");
  EXPECT_EQ(back->reason, "exited");
  EXPECT_EQ(back->message, "it's over");
  EXPECT_EQ(back->origin, 7);
  EXPECT_EQ(back->created_at, 1700000000001);
  EXPECT_EQ(back->finished_at, 1700000000002);
  EXPECT_EQ(find(2).error().code, Code::kNotFound);
}

TEST_F(DeploymentsTest, AProcessListThatDoesNotReadIsNotStored) {
  DeploymentRow row;
  row.project_id = hello.id;
  ASSERT_TRUE(database.write([&](Tx& tx) { return insert_deployment(tx, row); })) << "the control";
  row.processes = "{\"processes\":1}";
  EXPECT_EQ(update(row).error().code, Code::kInternal);
  EXPECT_EQ(find(1)->processes, "{}");
}

TEST_F(DeploymentsTest, AreListedNewestFirstInPages) {
  for (int i = 0; i < 5; ++i) add(hello.id);
  EXPECT_THAT(listed(3, 0), ElementsAre(5, 4, 3));
  EXPECT_THAT(listed(3, 3), ElementsAre(2, 1));
  EXPECT_TRUE(listed(3, 1).empty());
  EXPECT_TRUE(listed(0, 0).empty());
  EXPECT_TRUE(listed(-1, 0).empty());
}

TEST_F(DeploymentsTest, MoveOnlyAsTheStatesAllow) {
  const DeploymentRow row = add(hello.id);
  EXPECT_EQ(move(row, kLive).error().code, Code::kAborted);
  ASSERT_TRUE(move(row, kBuilding));
  ASSERT_TRUE(move(row, kBuilding));  // the same state: the other columns change
  ASSERT_TRUE(move(row, kStarting));
  ASSERT_TRUE(move(row, kCancelled));
  // The row here is older than the one stored: what counts is the stored one.
  const Status late = move(row, kLive);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kAborted);
  EXPECT_THAT(late.error().message, HasSubstr("is cancelled and cannot become live"));
  EXPECT_EQ(find(1)->state, kCancelled);
  DeploymentRow missing = row;
  missing.number = 9;
  EXPECT_EQ(update(missing).error().code, Code::kNotFound);
}

TEST_F(DeploymentsTest, AreLiveOneAtATime) {
  const auto live = [&] { return database.read([&](Tx& tx) { return live_deployment(tx, hello.id); }); };
  EXPECT_FALSE(live()->has_value());
  const DeploymentRow first = add(hello.id, 1, kStarting);
  const DeploymentRow second = add(hello.id, 2, kStarting);
  ASSERT_TRUE(move(first, kLive));
  const Status both = move(second, kLive);
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Code::kAborted);
  EXPECT_EQ((*live())->number, 1);
  const Status swapped = database.write([&](Tx& tx) -> Status {
    DeploymentRow old = first;
    old.state = kSuperseded;
    TRY(update_deployment(tx, old));
    DeploymentRow fresh = second;
    fresh.state = kLive;
    return update_deployment(tx, fresh);
  });
  ASSERT_TRUE(swapped);
  EXPECT_EQ((*live())->number, 2);
  EXPECT_EQ(find(1)->state, kSuperseded);
}

TEST_F(DeploymentsTest, AreFoundByStatesOldestFirst) {
  const ProjectRow other = database.add_project("other", ann.id);
  add(hello.id, 30, kQueued);
  add(other.id, 10, kBuilding);
  add(hello.id, 20, kFailed);
  add(hello.id, 5, kQueued);
  const auto rows = database.read([](Tx& tx) { return deployments_in(tx, {kQueued, kBuilding}); });
  ASSERT_TRUE(rows);
  std::vector<std::int64_t> times;
  for (const DeploymentRow& row : *rows) times.push_back(row.created_at);
  EXPECT_THAT(times, ElementsAre(5, 10, 30));
  EXPECT_TRUE(database.read([](Tx& tx) { return deployments_in(tx, {}); })->empty());
}

}  // namespace
}  // namespace paastech::store
