#include "domain/quota.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "domain/process.h"

namespace paastech {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kGiB = 1LL << 30;

Plan plan() {
  return {"small",
          {.projects = 2,
           .instances = 3,
           .memory_bytes = 2 * kGiB,
           .milli_cpus = 1'500,
           .build_minutes = 10,
           .disk_bytes = kGiB}};
}

TEST(Quota, LetsThroughUpToTheLimitAndNotBeyond) {
  for (std::int64_t Amounts::* each : {&Amounts::projects, &Amounts::instances, &Amounts::memory_bytes,
                                       &Amounts::milli_cpus, &Amounts::build_minutes, &Amounts::disk_bytes}) {
    Amounts used;
    Amounts more;
    more.*each = 1;
    used.*each = plan().limits.*each - 1;
    EXPECT_TRUE(check_quota(plan(), used, more));
    used.*each = plan().limits.*each;
    const Status refused = check_quota(plan(), used, more);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
    used.*each = std::numeric_limits<std::int64_t>::max();
    EXPECT_FALSE(check_quota(plan(), used, more));
  }
}

TEST(Quota, SaysWhatIsLimitedHowMuchIsUsedAndWhoHelps) {
  const auto refusal = [](const Amounts& used, const Amounts& more) { return check_quota(plan(), used, more).error(); };
  EXPECT_EQ(refusal({.projects = 2}, {.projects = 1}).message, "the plan `small` allows 2 projects; in use: 2");
  EXPECT_EQ(refusal({.memory_bytes = 3 * kGiB / 2}, instances_of(2)).message,
            "the plan `small` allows 2 GiB of memory; in use: 1.5 GiB; asked for: 1 GiB more");
  EXPECT_EQ(refusal({.milli_cpus = 1'000}, {.milli_cpus = 1'000}).message,
            "the plan `small` allows 1.5 cores; in use: 1; asked for: 1 more");
  EXPECT_EQ(refusal({.build_minutes = 12}, {.build_minutes = 1}).message,
            "the plan `small` allows 10 build minutes a month; in use: 12");
  EXPECT_EQ(refusal({.disk_bytes = 5}, {.disk_bytes = 2 * kGiB}).message,
            "the plan `small` allows 1 GiB of repositories; in use: 5 B");
  EXPECT_THAT(refusal({.projects = 2}, {.projects = 1}).hint, HasSubstr("ask the administrator"));
}

TEST(Quota, AProcessListCountsForAllItsInstancesInTheirSizes) {
  ProcessList list;
  list.processes["web"].count = 3;
  list.processes["worker"] = {.count = 2, .memory_bytes = kGiB, .milli_cpus = 250};
  list.processes["idle"] = {.count = 0, .memory_bytes = kGiB};
  const Amounts amounts = amounts_of(list);
  EXPECT_EQ(amounts.instances, 5);
  EXPECT_EQ(amounts.memory_bytes, 3 * kInstanceMemoryBytes + 2 * kGiB);
  EXPECT_EQ(amounts.milli_cpus, 3 * kInstanceMilliCpus + 500);
  EXPECT_EQ(amounts_of(ProcessList()).instances, 1);
}

// A plan that became smaller takes nothing away, and holds back only what it is about.
TEST(Quota, BeingOverOneLimitDoesNotHoldBackAnother) {
  EXPECT_TRUE(check_quota(plan(), {.projects = 9}, instances_of(1)));
  EXPECT_TRUE(check_quota(plan(), {.projects = 9}, {}));
  EXPECT_FALSE(check_quota(plan(), {.projects = 9}, {.projects = 1}));
}

TEST(Quota, WithoutLimitsEverythingIsLetThrough) {
  const Plan all{"all", {kUnlimited, kUnlimited, kUnlimited, kUnlimited, kUnlimited, kUnlimited}};
  const Amounts much{1'000, 1'000, 1LL << 60, 1'000'000, 1'000'000, 1LL << 60};
  EXPECT_TRUE(check_quota(all, much, much));
  EXPECT_FALSE(check_quota({"nothing", {}}, {}, {.build_minutes = 1}));
}

TEST(Quota, PlansHavePlainNames) {
  for (const char* name : {"a", "default", "team-2"}) EXPECT_TRUE(check_plan_name(name)) << name;
  for (const std::string& name : {std::string(), std::string("2a"), std::string("-a"), std::string("Team"),
                                  std::string("a b"), std::string("a/b"), std::string(31, 'a')})
    EXPECT_FALSE(check_plan_name(name)) << name;
}

TEST(Quota, MonthsAreThoseOfUtcAndMinutesCountOnceBegun) {
  EXPECT_EQ(month_of(1'800'000'000'000), "2027-01");
  EXPECT_EQ(begun_minutes(0), 0);
  EXPECT_EQ(begun_minutes(1), 1);
  EXPECT_EQ(begun_minutes(60'000), 1);
  EXPECT_EQ(begun_minutes(60'001), 2);
}

}  // namespace
}  // namespace paastech
