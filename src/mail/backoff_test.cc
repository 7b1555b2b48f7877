#include "mail/backoff.h"

#include <gtest/gtest.h>

namespace paastech::mail {
namespace {

constexpr std::int64_t kMinute = 60'000;

TEST(Backoff, TriesSoonAtFirstAndThenRarely) {
  EXPECT_EQ(retry_after_ms(1), kMinute);
  EXPECT_EQ(retry_after_ms(2), 5 * kMinute);
  EXPECT_EQ(retry_after_ms(3), 15 * kMinute);
  EXPECT_EQ(retry_after_ms(4), 60 * kMinute);
  EXPECT_EQ(retry_after_ms(5), 240 * kMinute);
  EXPECT_EQ(retry_after_ms(6), 240 * kMinute);
}

TEST(Backoff, GivesUpWithinADayButNotBeforeTwentyHours) {
  std::int64_t total = 0;
  int attempts = 1;
  for (auto wait = retry_after_ms(attempts); wait; wait = retry_after_ms(attempts)) {
    ASSERT_GT(*wait, 0);
    ASSERT_LT(attempts, 100) << "it never gives up";
    total += *wait;
    ++attempts;
  }
  EXPECT_LE(total, 24 * 60 * kMinute);
  EXPECT_GE(total, 20 * 60 * kMinute);
  EXPECT_FALSE(retry_after_ms(attempts + 1'000'000));
}

TEST(Backoff, AMailNeverTriedGoesAtOnce) { EXPECT_EQ(retry_after_ms(0), 0); }

}  // namespace
}  // namespace paastech::mail
