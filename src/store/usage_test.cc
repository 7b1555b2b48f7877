// Plans, build time, and what is admitted.
#include "store/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/process_json.h"
#include "store/build_usage.h"
#include "store/deployments.h"
#include "store/managed_clients.h"
#include "store/plans.h"
#include "store/scales.h"
#include "store/test_database.h"

namespace paastech::store {
namespace {

using testing::HasSubstr;

constexpr const char* kMonth = "2026-11";

struct UsageTest : testing::Test {
  void limit(const Amounts& limits) {
    ASSERT_TRUE(database.write([&](Tx& tx) -> Status {
      TRY(set_plan(tx, {"small", limits}));
      return set_plan_of(tx, ann.id, "small");
    }));
  }
  void add_deployment(const ProjectRow& project, DeploymentState state, const ProcessList& list = {}) {
    DeploymentRow row;
    row.project_id = project.id;
    row.processes = process_list_to_json(list);
    row.actor_id = ann.id;
    database.add_deployment(std::move(row), state);
  }
  Amounts used() {
    return database.read([&](Tx& tx) { return usage_of(tx, ann.id, kMonth); }).value();
  }
  Status may_deploy(const ProjectRow& project) {
    return database.read([&](Tx& tx) { return admit_deployment(tx, project); });
  }
  Status may_run(const ProjectRow& project, const ProcessList& list) {
    return database.read([&](Tx& tx) { return admit_deployment(tx, project, list); });
  }
  static ProcessList webs(int count, std::int64_t memory_bytes = 0) {
    ProcessList list;
    list.processes["web"] = {.count = count, .memory_bytes = memory_bytes};
    return list;
  }
  Status may_create() {
    return database.read([&](Tx& tx) { return admit_project(tx, ann.id); });
  }
  Status may_build(const std::string& month = kMonth) {
    return database.read([&](Tx& tx) { return admit_build(tx, ann.id, month); });
  }
  void add_time(const std::string& month, std::int64_t milliseconds) {
    ASSERT_TRUE(database.write([&](Tx& tx) { return add_build_time(tx, ann.id, month, milliseconds); }));
  }
  TestDatabase database;
  ClientRow ann = database.add_client("ann");
  ClientRow bob = database.add_client("bob");
};

TEST_F(UsageTest, ProjectsAreCountedOfTheirOwnerAlone) {
  limit({.projects = 1});
  EXPECT_TRUE(may_create());
  database.add_project("foreign", bob.id);
  EXPECT_TRUE(may_create());
  database.add_project("one", ann.id);
  EXPECT_EQ(used().projects, 1);
  const Status refused = may_create();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_THAT(refused.error().message, HasSubstr("`small` allows 1 project; in use: 1"));
}

TEST_F(UsageTest, ATransferTakesTheProjectAndWhatOfItRuns) {
  const ProjectRow idle = database.add_project("idle", bob.id);
  const ProjectRow live = database.add_project("live", bob.id);
  add_deployment(live, DeploymentState::kLive);
  const auto may_take = [&](const ProjectRow& project) {
    return database.read([&](Tx& tx) { return admit_transfer(tx, project, ann.id); });
  };
  const Amounts plenty{.projects = 1, .instances = 1, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited};
  limit(plenty);
  EXPECT_TRUE(may_take(live));
  Amounts nothing_runs = plenty;
  nothing_runs.instances = 0;
  limit(nothing_runs);
  EXPECT_TRUE(may_take(idle));
  EXPECT_EQ(may_take(live).error().code, Code::kPermissionDenied);
  Amounts none = plenty;
  none.projects = 0;
  limit(none);
  EXPECT_EQ(may_take(idle).error().code, Code::kPermissionDenied);
}

TEST_F(UsageTest, WhatRunsOrIsOnItsWayCountsAsAnInstance) {
  const ProjectRow idle = database.add_project("idle", ann.id);
  const ProjectRow live = database.add_project("live", ann.id);
  const ProjectRow stopped = database.add_project("stopped", ann.id);
  const ProjectRow failed = database.add_project("failed", ann.id);
  const ProjectRow coming = database.add_project("coming", ann.id);
  add_deployment(live, DeploymentState::kLive);
  add_deployment(stopped, DeploymentState::kLive);
  add_deployment(failed, DeploymentState::kFailed);
  add_deployment(coming, DeploymentState::kBuilding);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_stopped(tx, stopped.id, true); }));
  EXPECT_EQ(used().instances, 2);
  EXPECT_EQ(used().memory_bytes, 2 * kInstanceMemoryBytes);
  EXPECT_EQ(used().milli_cpus, 2 * kInstanceMilliCpus);
  for (const Amounts& limits :
       {Amounts{.instances = 2, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited},
        Amounts{.instances = kUnlimited, .memory_bytes = 2 * kInstanceMemoryBytes, .milli_cpus = kUnlimited},
        Amounts{.instances = kUnlimited, .memory_bytes = kUnlimited, .milli_cpus = 2 * kInstanceMilliCpus}}) {
    limit(limits);
    for (const ProjectRow& more : {idle, stopped, failed}) EXPECT_FALSE(may_deploy(more)) << more.name;
    for (const ProjectRow& no_more : {live, coming}) EXPECT_TRUE(may_deploy(no_more)) << no_more.name;
  }
  limit({.instances = 3, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited});
  EXPECT_TRUE(may_deploy(idle));
}

TEST_F(UsageTest, OfAProjectTheLargerOfWhatRunsAndWhatIsOnItsWayCounts) {
  const ProjectRow shop = database.add_project("shop", ann.id);
  add_deployment(shop, DeploymentState::kLive, webs(3, 64 << 20));
  add_deployment(shop, DeploymentState::kStarting, webs(2, 256 << 20));
  EXPECT_EQ(used().instances, 3);
  EXPECT_EQ(used().memory_bytes, 2 * (256 << 20));
  EXPECT_EQ(used().milli_cpus, 3 * kInstanceMilliCpus);
  add_deployment(shop, DeploymentState::kFailed, webs(50));
  EXPECT_EQ(used().instances, 3);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_stopped(tx, shop.id, true); }));
  EXPECT_EQ(used().instances, 2) << "what is on its way alone";
}

TEST_F(UsageTest, AnInstanceHasTheSizeThatItsDeploymentGaveIt) {
  const ProjectRow shop = database.add_project("shop", ann.id);
  ProcessList list = webs(2, 64 << 20);
  list.processes["worker"] = {.milli_cpus = 250};
  add_deployment(shop, DeploymentState::kLive, list);
  list.processes["web"].memory_bytes = 128 << 20;
  list.processes["worker"].group = 1;  // taken over as it runs
  add_deployment(shop, DeploymentState::kStarting, list);
  add_deployment(shop, DeploymentState::kFailed, list);
  const InstanceSizes sizes = database.read([](Tx& tx) { return instance_sizes(tx); }).value();
  const auto size = [&](std::int64_t deployment, const std::string& process) {
    const Amounts& one = sizes.at(SizeKey{shop.id, deployment, process});
    return std::pair(one.memory_bytes, one.milli_cpus);
  };
  EXPECT_EQ(sizes.size(), 3u);
  EXPECT_EQ(size(1, "web"), std::pair(std::int64_t{64 << 20}, kInstanceMilliCpus));
  EXPECT_EQ(size(2, "web"), std::pair(std::int64_t{128 << 20}, kInstanceMilliCpus));
  EXPECT_EQ(size(1, "worker"), std::pair(kInstanceMemoryBytes, std::int64_t{250}));
}

TEST_F(UsageTest, AListIsAdmittedInThePlaceOfTheOneBefore) {
  const ProjectRow shop = database.add_project("shop", ann.id);
  const ProjectRow other = database.add_project("other", ann.id);
  add_deployment(shop, DeploymentState::kLive, webs(3));
  add_deployment(other, DeploymentState::kLive, webs(2));
  limit({.instances = 6, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited});
  EXPECT_TRUE(may_run(shop, webs(4)));
  const Status refused = may_run(shop, webs(5));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_EQ(refused.error().message, "the plan `small` allows 6 Instances; in use: 5; asked for: 2 more");
  limit({.instances = 1, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited});
  EXPECT_TRUE(may_run(shop, webs(2))) << "less is always allowed";
  limit({.instances = kUnlimited, .memory_bytes = 4LL << 30, .milli_cpus = kUnlimited});
  EXPECT_TRUE(may_run(shop, webs(3, 1LL << 30)));
  EXPECT_FALSE(may_run(shop, webs(3, 2LL << 30)));
}

TEST_F(UsageTest, WithoutAListThatOfTheLiveDeploymentIsAskedForInTheScaleOfNow) {
  const ProjectRow shop = database.add_project("shop", ann.id);
  limit({.instances = 3, .memory_bytes = kUnlimited, .milli_cpus = kUnlimited});
  const auto scale = [&](const std::string& process, int count) {
    ASSERT_TRUE(database.write([&](Tx& tx) { return set_scale(tx, shop.id, {process, count}); }));
  };
  EXPECT_TRUE(may_deploy(shop)) << "one web";
  scale("web", 4);
  EXPECT_FALSE(may_deploy(shop)) << "four";
  scale("web", 2);
  ProcessList list = webs(1);
  list.processes["worker"] = {};
  add_deployment(shop, DeploymentState::kLive, list);
  EXPECT_TRUE(may_deploy(shop)) << "two and one";
  scale("worker", 2);
  EXPECT_FALSE(may_deploy(shop)) << "two and two";
}

TEST_F(UsageTest, BuildTimeAddsUpWithinAMonth) {
  limit({.build_minutes = 2});
  EXPECT_TRUE(may_build());
  add_time(kMonth, 59'000);
  EXPECT_EQ(used().build_minutes, 1);
  EXPECT_TRUE(may_build());
  add_time(kMonth, 2'000);
  EXPECT_EQ(used().build_minutes, 2);
  EXPECT_FALSE(may_build());
  EXPECT_TRUE(may_build("2026-12"));
  EXPECT_EQ(database.read([&](Tx& tx) { return build_time(tx, ann.id, kMonth); }).value(), 61'000);
  EXPECT_EQ(database.read([&](Tx& tx) { return build_time(tx, bob.id, kMonth); }).value(), 0);
  EXPECT_TRUE(database.write([](Tx& tx) { return add_build_time(tx, new_uuid(), kMonth, 1); }));  // it is gone
}

TEST(Plans, AreMadeChangedListedAndDeleted) {
  TestDatabase database;
  const ClientRow ann = database.add_client("ann");
  const auto find = [&](const std::string& name) { return database.read([&](Tx& tx) { return find_plan(tx, name); }); };
  const auto remove = [&](const std::string& name) {
    return database.write([&](Tx& tx) { return delete_plan(tx, name); });
  };
  EXPECT_EQ(find("unlimited")->limits.projects, kUnlimited);
  EXPECT_EQ(find("large").error().code, Code::kNotFound);
  ASSERT_TRUE(database.write([](Tx& tx) { return set_plan(tx, {"large", {1, 2, 3, 4, 5, 6}}); }));
  ASSERT_TRUE(database.write([](Tx& tx) { return set_plan(tx, {"large", {7, 8, 9, 10, 11, 12}}); }));
  const Amounts limits = find("large")->limits;
  EXPECT_EQ((std::vector{limits.projects, limits.instances, limits.memory_bytes, limits.milli_cpus,
                         limits.build_minutes, limits.disk_bytes}),
            (std::vector<std::int64_t>{7, 8, 9, 10, 11, 12}));
  const auto page = database.read([](Tx& tx) { return list_plans(tx, "default", 1); });
  ASSERT_EQ(page->size(), 1u);
  EXPECT_EQ(page->front().name, "large");

  EXPECT_EQ(database.read([&](Tx& tx) { return plan_of(tx, ann.id); })->name, "default");
  EXPECT_EQ(database.write([&](Tx& tx) { return set_plan_of(tx, ann.id, "huge"); }).error().code,
            Code::kInvalidArgument);
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_plan_of(tx, ann.id, "large"); }));
  EXPECT_EQ(database.read([&](Tx& tx) { return plan_of(tx, ann.id); })->name, "large");
  EXPECT_EQ(remove("large").error().code, Code::kFailedPrecondition);  // ann has it
  ASSERT_TRUE(database.write([&](Tx& tx) { return set_plan_of(tx, ann.id, "default"); }));
  EXPECT_TRUE(remove("large"));
  EXPECT_EQ(remove("large").error().code, Code::kNotFound);
  EXPECT_EQ(remove("default").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(remove("unlimited").error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace paastech::store
