#include "git/ref_rules.h"

#include <gtest/gtest.h>

namespace paastech::git {
namespace {

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kZero(40, '0');

TEST(RefRules, DeploysMain) {
  const auto plan = plan_ref_updates({{kA, kB, "refs/heads/main"}, {kZero, kB, "refs/heads/topic"}}, true);
  ASSERT_TRUE(plan);
  ASSERT_TRUE(plan->deploy);
  EXPECT_EQ(plan->deploy->new_id, kB);
  ASSERT_EQ(plan->notes.size(), 1u);
  EXPECT_EQ(plan->notes[0], "Stored branch topic; only main is deployed.");
}

TEST(RefRules, DeploysMasterOnlyWhereThereIsNoMain) {
  const std::vector<RefUpdate> master{{kZero, kB, "refs/heads/master"}};
  EXPECT_TRUE(plan_ref_updates(master, false)->deploy);
  EXPECT_FALSE(plan_ref_updates(master, true)->deploy);
  const auto both = plan_ref_updates({{kZero, kB, "refs/heads/master"}, {kZero, kA, "refs/heads/main"}}, false);
  ASSERT_TRUE(both && both->deploy);
  EXPECT_EQ(both->deploy->name, "refs/heads/main");
}

TEST(RefRules, RefusesToDeleteTheDeployBranchOnly) {
  const auto refused = plan_ref_updates({{kA, kZero, "refs/heads/main"}}, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  const auto topic = plan_ref_updates({{kA, kZero, "refs/heads/topic"}}, true);
  ASSERT_TRUE(topic);
  EXPECT_EQ(topic->notes.at(0), "Deleted branch topic.");
}

TEST(RefRules, TellsThatTagsAreNotDeployed) {
  const auto plan = plan_ref_updates({{kZero, kA, "refs/tags/v1"}}, true);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->deploy);
  EXPECT_EQ(plan->notes.at(0), "Stored tag v1; tags are not deployed.");
}

TEST(RefRules, BoundsWhatItSays) {
  std::vector<RefUpdate> updates;
  for (int i = 0; i < 100; ++i) updates.push_back({kZero, kA, "refs/tags/v" + std::to_string(i)});
  const auto plan = plan_ref_updates(updates, true);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->notes.size(), 6u);
  EXPECT_EQ(plan->notes.back(), "… and 95 more, not deployed.");
}

TEST(RefRules, PermitsOrdinaryNamesAndRefusesTheRest) {
  for (const char* name : {"refs/heads/main", "refs/heads/a/b-c.d", "refs/tags/v1.0", "refs/heads/$(x)"})
    EXPECT_TRUE(is_permitted_ref(name)) << name;
  for (const char* name :
       {"HEAD", "refs/notes/commits", "refs/heads/", "refs/heads/../x", "refs/heads/-x", "refs/heads/a/-b",
        "refs/heads/.git", "refs/heads/a.lock", "refs/heads/a b", "refs/heads/a\tb", "refs/heads/a\x1b[31m",
        "refs/heads/a//b", "refs/heads/a^", "refs/heads/a@{b", "refs/replace/x", "refs/remotes/o/x"})
    EXPECT_FALSE(is_permitted_ref(name)) << name;
  EXPECT_FALSE(is_permitted_ref("refs/heads/" + std::string(300, 'a')));
}

TEST(RefRules, TakesTwoThousandUpdatesAndNoMore) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += kZero + " " + kA + " refs/tags/v" + std::to_string(i) + "\n";
  const auto most = parse_ref_updates(lines);
  ASSERT_TRUE(most);
  EXPECT_EQ(most->size(), 2000u);
  const auto refused = parse_ref_updates(lines + kZero + " " + kA + " refs/tags/last\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
}

TEST(RefRules, ParsesHookLinesStrictly) {
  const auto updates = parse_ref_updates(kZero + " " + kA + " refs/heads/main\n" + kA + " " + kB + " refs/tags/v1\n");
  ASSERT_TRUE(updates);
  ASSERT_EQ(updates->size(), 2u);
  EXPECT_TRUE(updates->at(0).creates());
  EXPECT_EQ(updates->at(1).name, "refs/tags/v1");
  for (const std::string& bad : {std::string(), std::string("x"), kA + " " + kB + " ", kA + kB + " refs/heads/main",
                                 std::string(40, 'G') + " " + kA + " refs/heads/main"})
    EXPECT_FALSE(parse_ref_updates(bad)) << bad;
}

}  // namespace
}  // namespace paastech::git
