#include "domain/password.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace paastech {
namespace {

TEST(Password, IsTakenWhereItIsLongAndRare) {
  for (const std::string good : {"correct-horse", "pass wörter sind gut", "0123456780x", "Zwölf Boxkämpfer"})
    EXPECT_TRUE(check_new_password(good, "ada", "ada@example.org")) << good;
}

TEST(Password, IsRefusedWhereEverybodyTriesIt) {
  for (const std::string bad : {"qwertyuiop", "QwertyUiop", "1234567890"}) {
    const Status status = check_new_password(bad, "ada", "ada@example.org");
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
    EXPECT_NE(status.error().message.find("common"), std::string::npos);
    EXPECT_FALSE(status.error().hint.empty());
  }
  EXPECT_TRUE(check_new_password("qwertyuiop, and more", "ada", "ada@example.org"));
}

TEST(Password, TheListIsSortedAndHoldsWhatCanMatter) {
  const auto list = common_passwords();
  EXPECT_GT(list.size(), 100u);
  EXPECT_LT(list.size(), 10'000u);
  EXPECT_TRUE(std::ranges::is_sorted(list));
  EXPECT_TRUE(std::ranges::all_of(list, [](std::string_view one) { return one.size() >= 10; }));
  for (const std::string_view known : {"qwertyuiop", "1234567890"})
    EXPECT_TRUE(std::ranges::binary_search(list, known)) << known;
}

TEST(Password, HoldsNeitherNameNorAddress) {
  EXPECT_FALSE(check_new_password("my-ADA-secret", "ada", "x@example.org"));
  EXPECT_FALSE(check_new_password("my-ada-secret", "Ada", "x@example.org"));
  EXPECT_FALSE(check_new_password("lovelace4ever", "ada", "Lovelace@example.org"));
  EXPECT_TRUE(check_new_password("lovelace4ever", "ada", "lovely@example.org"));
  EXPECT_TRUE(check_new_password("example.org-99", "ada", "x@example.org"));
  EXPECT_TRUE(check_new_password("my-xy-secret-9", "ada", "xy@example.org"));  // two letters are in much
  EXPECT_FALSE(check_new_password("xy@Example.org", "ada", "xy@example.org")) << "but the whole address is in nothing";
  EXPECT_FALSE(check_new_password("my xy@example.org", "ada", "XY@example.org"));
}

TEST(Password, KeepsTheRulesOfLength) {
  EXPECT_FALSE(check_new_password("short-one", "ada", "ada@example.org"));
  EXPECT_FALSE(check_new_password(std::string(129, 'x'), "ada", "ada@example.org"));
}

}  // namespace
}  // namespace paastech
