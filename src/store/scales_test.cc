#include "store/scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/process_json.h"
#include "store/registries.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct ScalesTest : testing::Test {
  TestDatabase database;
  ClientRow ann = database.add_client("ann");
  ProjectRow shop = database.add_project("shop", ann.id);
  ProjectRow other = database.add_project("other", ann.id);
  Status set(const Scale& scale) {
    return database.write([&](Tx& tx) { return set_scale(tx, shop.id, scale); });
  }
  std::vector<Scale> scales(const ProjectRow& project) {
    return database.read([&](Tx& tx) { return list_scales(tx, project.id); }).value();
  }
};

TEST_F(ScalesTest, AreKeptByProcessAndReplaced) {
  EXPECT_THAT(scales(shop), IsEmpty());
  ASSERT_TRUE(set({"worker", 0, kMostMemoryBytes, kLeastMilliCpus}));
  ASSERT_TRUE(set({"web", 3}));
  ASSERT_TRUE(set({"web", 100, kLeastMemoryBytes, kMostMilliCpus}));
  EXPECT_THAT(scales(shop), ElementsAre(Scale{"web", 100, kLeastMemoryBytes, kMostMilliCpus},
                                        Scale{"worker", 0, kMostMemoryBytes, kLeastMilliCpus}));
  EXPECT_THAT(scales(other), IsEmpty());
}

TEST_F(ScalesTest, OutOfTheirLimitsAreNotStored) {
  for (const Scale& wrong : {Scale{"web", -1}, Scale{"web", 101}, Scale{"web", 1, kLeastMemoryBytes - 1},
                             Scale{"web", 1, kMostMemoryBytes + 1}, Scale{"web", 1, 0, kLeastMilliCpus - 1},
                             Scale{"web", 1, 0, kMostMilliCpus + 1}, Scale{"Web", 1}, Scale{"release", 1}})
    EXPECT_EQ(set(wrong).error().code, Code::kInvalidArgument) << wrong.process << " " << wrong.count;
  EXPECT_THAT(scales(shop), IsEmpty());
}

TEST_F(ScalesTest, BeforeTheFirstDeploymentThereAreAsManyAsAProjectMayHaveProcesses) {
  for (std::size_t i = 0; i < kMostProcesses; ++i) ASSERT_TRUE(set({"p" + std::to_string(i), 1}));
  const Status refused = set({"one-more", 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("`one-more` is one process too many"));
  EXPECT_THAT(refused.error().message, testing::HasSubstr("at most 20"));
  EXPECT_TRUE(set({"p7", 5})) << "what is stored can be changed";
  EXPECT_EQ(scales(shop).size(), kMostProcesses);
  EXPECT_TRUE(database.write([&](Tx& tx) { return set_scale(tx, other.id, {"one-more", 1}); }));
}

TEST_F(ScalesTest, OfProcessesThatAreNoMoreAreForgottenWhereThereIsNoRoom) {
  for (std::size_t i = 0; i < kMostProcesses; ++i) ASSERT_TRUE(set({"p" + std::to_string(i), 1}));
  ProcessList list;
  list.processes = {{"p3", {}}, {"web", {}}};
  DeploymentRow live;
  live.project_id = shop.id;
  live.cause = DeploymentCause::kRestart;
  live.processes = process_list_to_json(list);
  ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
    TRY(insert_deployment(tx, live));
    for (const DeploymentState state : {DeploymentState::kStarting, DeploymentState::kLive}) {
      live.state = state;
      TRY(update_deployment(tx, live));
    }
    return {};
  }));
  ASSERT_TRUE(set({"p3", 2}));
  EXPECT_EQ(scales(shop).size(), kMostProcesses) << "as long as there is room they may come back";
  ASSERT_TRUE(set({"web", 4}));
  EXPECT_THAT(scales(shop), ElementsAre(Scale{"p3", 2}, Scale{"web", 4}));
}

TEST_F(ScalesTest, GoWithTheirProject) {
  ASSERT_TRUE(set({"web", 2}));
  ASSERT_TRUE(database.write([&](Tx& tx) { return delete_project(tx, shop.id); }));
  EXPECT_THAT(scales(shop), IsEmpty());
  EXPECT_EQ(set({"web", 2}).error().code, Code::kNotFound);
}

TEST_F(ScalesTest, RegistriesAreKeptByHostReplacedAndRemoved) {
  const auto put = [&](const std::string& project, const RegistryRow& row) {
    return database.write([&](Tx& tx) { return set_registry(tx, project, row); });
  };
  const auto find = [&](const std::string& project, const std::string& host) {
    return database.read([&](Tx& tx) { return find_registry(tx, project, host); });
  };
  ASSERT_TRUE(put(shop.id, {"r.example:5000", "ann", "v2:k1:a"}));
  ASSERT_TRUE(put(shop.id, {"a.example", "ann", "v2:k1:b"}));
  ASSERT_TRUE(put(shop.id, {"r.example:5000", "bob", "v2:k1:c"}));
  EXPECT_EQ(find(shop.id, "r.example:5000")->username, "bob");
  EXPECT_EQ(find(shop.id, "r.example:5000")->password, "v2:k1:c");
  EXPECT_EQ(find(other.id, "r.example:5000").error().code, Code::kNotFound);
  const auto listed = database.read([&](Tx& tx) { return list_registries(tx, shop.id); });
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->front().host, "a.example");
  const auto remove = [&] {
    return database.write([&](Tx& tx) { return remove_registry(tx, shop.id, "a.example"); }).value();
  };
  EXPECT_TRUE(remove());
  EXPECT_FALSE(remove());
  EXPECT_EQ(put(new_uuid(), {"r", "u", "p"}).error().code, Code::kNotFound);
}

TEST_F(ScalesTest, AProjectHasLoginsForAHundredRegistries) {
  const auto put = [&](const std::string& project, const std::string& host) {
    return database.write([&](Tx& tx) { return set_registry(tx, project, {host, "ann", "v2:k1:a"}); });
  };
  for (int i = 0; i < kMaxRegistries; ++i) ASSERT_TRUE(put(shop.id, "r" + std::to_string(i) + ".example"));
  const Status refused = put(shop.id, "one-more.example");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("logins for 100 registries already"));
  EXPECT_TRUE(put(shop.id, "r7.example")) << "what is there can be replaced";
  EXPECT_TRUE(put(other.id, "one-more.example"));
  ASSERT_TRUE(database.write([&](Tx& tx) { return remove_registry(tx, shop.id, "r7.example"); }));
  EXPECT_TRUE(put(shop.id, "one-more.example"));
}

}  // namespace
}  // namespace paastech::store
