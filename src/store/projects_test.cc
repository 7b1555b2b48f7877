#include "store/projects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/secret.h"
#include "store/deployments.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::HasSubstr;

struct ProjectsTest : testing::Test {
  TestDatabase database;
  ClientRow ann = database.add_client("ann");

  Result<ProjectRow> find(const std::string& name_or_id) {
    return database.read([&](Tx& tx) { return find_project(tx, name_or_id); });
  }
  std::size_t listed(const std::string& owner_id) {
    return database.read([&](Tx& tx) { return list_projects(tx, owner_id); })->size();
  }
  Result<std::vector<EnvironmentRow>> environment(const std::string& id) {
    return database.read([&](Tx& tx) { return list_environment(tx, id); });
  }
  Status set(const std::string& id, const EnvironmentRow& row) {
    return database.write([&](Tx& tx) { return set_environment(tx, id, row); });
  }
};

TEST_F(ProjectsTest, AreFoundByNameAndId) {
  const ProjectRow hello = database.add_project("hello", ann.id);
  ASSERT_TRUE(find("hello"));
  EXPECT_EQ(find("hello")->id, hello.id);
  EXPECT_EQ(find(hello.id)->name, "hello");
  EXPECT_EQ(find(hello.id)->owner_id, ann.id);
  EXPECT_FALSE(find("hello")->stopped);
  for (const std::string other : {"Hello", "hell", "", "'; DROP TABLE projects; --", "' OR '1'='1"})
    EXPECT_EQ(find(other).error().code, Code::kNotFound) << other;
  EXPECT_EQ(listed(""), 1u);
}

TEST_F(ProjectsTest, ATakenNameIsRefusedWhoeverAsks) {
  database.add_project("hello", ann.id);
  const ClientRow bob = database.add_client("bob");
  const ProjectRow second{new_uuid(), "hello", bob.id, false, false, 1, 1};
  const Status status = database.write([&](Tx& tx) { return insert_project(tx, second); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kAlreadyExists);
  EXPECT_THAT(status.error().message, HasSubstr("name"));
}

TEST_F(ProjectsTest, AreListedByOwner) {
  const ClientRow bob = database.add_client("bob");
  database.add_project("zebra", ann.id);
  database.add_project("apple", ann.id);
  database.add_project("other", bob.id);
  const auto rows = database.read([&](Tx& tx) { return list_projects(tx, ann.id); });
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].name, "apple");
  EXPECT_EQ(listed(bob.id), 1u);
  EXPECT_EQ(listed(""), 3u);
}

TEST_F(ProjectsTest, RememberThatTheyAreStoppedOrBeingDeleted) {
  const ProjectRow hello = database.add_project("hello", ann.id);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_stopped(tx, hello.id, true); }));
  EXPECT_TRUE(find("hello")->stopped);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_stopped(tx, hello.id, false); }));
  EXPECT_FALSE(find("hello")->stopped);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_deleting(tx, hello.id); }));
  EXPECT_TRUE(find("hello")->deleting);
  const Status nothing = database.write([](Tx& tx) { return set_deleting(tx, new_uuid()); });
  EXPECT_EQ(nothing.error().code, Code::kNotFound);
}

TEST_F(ProjectsTest, TakeTheirRowsAlongWhenDeleted) {
  const ProjectRow hello = database.add_project("hello", ann.id);
  const ProjectRow other = database.add_project("other", ann.id);
  for (const ProjectRow& project : {hello, other}) {
    ASSERT_TRUE(set(project.id, {"A", "1", 1}));
    DeploymentRow row;
    row.project_id = project.id;
    ASSERT_TRUE(database.write([&](Tx& tx) { return insert_deployment(tx, row); }));
  }
  const auto remove = [&] { return database.write([&](Tx& tx) { return delete_project(tx, hello.id); }); };
  ASSERT_TRUE(remove());
  EXPECT_TRUE(remove());  // again, as after a crash
  EXPECT_EQ(find("hello").error().code, Code::kNotFound);
  EXPECT_TRUE(environment(hello.id)->empty());
  EXPECT_TRUE(database.read([&](Tx& tx) { return list_deployments(tx, hello.id, 10, 0); })->empty());
  EXPECT_EQ(environment(other.id)->size(), 1u);
  EXPECT_EQ(database.read([&](Tx& tx) { return list_deployments(tx, other.id, 10, 0); })->size(), 1u);
}

TEST_F(ProjectsTest, EnvironmentIsSetReplacedAndUnset) {
  const ProjectRow hello = database.add_project("hello", ann.id);
  ASSERT_TRUE(set(hello.id, {"B", "1", 1}));
  ASSERT_TRUE(set(hello.id, {"A", "2", 2}));
  ASSERT_TRUE(set(hello.id, {"B", "3", 3}));
  const auto rows = environment(hello.id);
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].name, "A");
  EXPECT_EQ((*rows)[1].value, "3");
  EXPECT_EQ((*rows)[1].updated_at, 3);
  const auto unset = [&] { return database.write([&](Tx& tx) { return unset_environment(tx, hello.id, "A"); }); };
  EXPECT_TRUE(unset().value());
  EXPECT_FALSE(unset().value());
  EXPECT_EQ(environment(hello.id)->size(), 1u);
  EXPECT_EQ(set(new_uuid(), {"A", "1", 1}).error().code, Code::kNotFound);
}

// Threat 24: exact bytes, whatever they are.
TEST_F(ProjectsTest, TenThousandRandomValuesComeBackByteForByte) {
  const ProjectRow hello = database.add_project("hello", ann.id);
  const SecretBox box(std::string(32, 'k'));
  std::mt19937 random(24);  // the same values in every run
  std::map<std::string, std::string> values;
  while (values.size() < 10'000) {
    std::string value(random() % 200, '\0');
    for (char& c : value) c = static_cast<char>(random() % 256);
    values.emplace("V" + std::to_string(random()), value);
  }
  const auto context = [&](const std::string& name) { return "environment/" + hello.id + "/" + name; };
  const auto set_all = [&](Tx& tx) -> Status {
    for (const auto& [name, value] : values)
      TRY(set_environment(tx, hello.id, {name, box.seal(value, context(name)), 1}));
    return {};
  };
  // Many times what a call may take: on PostgreSQL it would be cut off.
  const Status stored = database->write(set_all, std::chrono::steady_clock::now() + std::chrono::minutes(1));
  ASSERT_TRUE(stored) << stored.error().message;
  database.reopen();
  const auto rows = environment(hello.id);
  ASSERT_EQ(rows->size(), values.size());
  for (const EnvironmentRow& row : *rows)
    ASSERT_EQ(box.open(row.value, context(row.name)).value(), values.at(row.name));
}

}  // namespace
}  // namespace paastech::store
