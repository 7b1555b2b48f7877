#include "base/rate_limit.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

struct HandClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::int64_t now = 1'000'000;
};

TEST(RateLimit, RefusesTheEleventhInAMinuteAndSaysHowLong) {
  HandClock clock;
  RateLimit limit(clock, 10, 60'000);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(limit.admit("a"), 0);
    clock.now += 1'000;
  }
  EXPECT_EQ(limit.admit("a"), 50'000);
  EXPECT_EQ(limit.admit("b"), 0);
  clock.now += 50'000;
  EXPECT_EQ(limit.admit("a"), 0);
  EXPECT_GT(limit.admit("a"), 0);
}

TEST(RateLimit, TellsTheWaitWithoutCounting) {
  HandClock clock;
  RateLimit limit(clock, 2, 60'000);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limit.wait("a"), 0);
  limit.admit("a");
  clock.now += 10'000;
  EXPECT_EQ(limit.wait("a"), 0);
  limit.admit("a");
  EXPECT_EQ(limit.wait("a"), 50'000);
  EXPECT_EQ(limit.wait("b"), 0);
  clock.now += 50'000;
  EXPECT_EQ(limit.wait("a"), 0);
}

TEST(RateLimit, DoesNotCountWhatIsTakenBack) {
  HandClock clock;
  RateLimit limit(clock, 2, 60'000);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(limit.admit("a"), 0);
    limit.take_back("a");
  }
  EXPECT_EQ(limit.size(), 0u);
}

TEST(RateLimit, StaysBoundedUnderManyKeys) {
  HandClock clock;
  RateLimit limit(clock, 1, 60'000, 100);
  for (int i = 0; i < 1'000; ++i) limit.admit(std::to_string(i));
  EXPECT_EQ(limit.size(), 100u);
  EXPECT_GT(limit.admit("999"), 0);
}

TEST(RateLimit, SurvivesAClockThatIsSetBack) {
  HandClock clock;
  RateLimit limit(clock, 1, 60'000);
  EXPECT_EQ(limit.admit("a"), 0);
  clock.now -= 3'600'000;
  EXPECT_EQ(limit.admit("a"), 0);
}

TEST(RequestRate, LetsAMinutesWorthThroughAtOnceAndThenOneByOne) {
  HandClock clock;
  RequestRate rate(clock, 600);
  for (int i = 0; i < 600; ++i) ASSERT_EQ(rate.admit("a"), 0) << i;
  EXPECT_EQ(rate.admit("a"), 100);
  EXPECT_EQ(rate.admit("a"), 100) << "what was refused is not counted";
  EXPECT_EQ(rate.admit("b"), 0);
  clock.now += 99;
  EXPECT_EQ(rate.admit("a"), 1);
  clock.now += 1;
  EXPECT_EQ(rate.admit("a"), 0);
  EXPECT_EQ(rate.admit("a"), 100);
  clock.now += 60'000;
  for (int i = 0; i < 600; ++i) ASSERT_EQ(rate.admit("a"), 0) << i;
  EXPECT_EQ(rate.admit("a"), 100);
}

TEST(RequestRate, NeverHindersWhoStaysBelowIt) {
  HandClock clock;
  RequestRate rate(clock, 7'000);  // not a whole number of milliseconds each
  for (int second = 0; second < 600; ++second) {
    for (int i = 0; i < 116; ++i) ASSERT_EQ(rate.admit("a"), 0) << second;
    clock.now += 1'000;
  }
}

TEST(RequestRate, OfZeroLimitsNothingAndKeepsNothing) {
  HandClock clock;
  RequestRate rate(clock, 0);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(rate.admit("a"), 0);
  EXPECT_EQ(rate.size(), 0u);
}

TEST(RequestRate, StaysBoundedUnderManyKeysAndForgetsThoseUsedLongestAgo) {
  HandClock clock;
  RequestRate rate(clock, 1, 100);
  for (int i = 0; i < 1'000; ++i) {
    rate.admit(std::to_string(i));
    EXPECT_GT(rate.admit("busy"), i == 0 ? -1 : 0);
  }
  EXPECT_EQ(rate.size(), 100u);
  EXPECT_EQ(rate.admit("0"), 0);
  EXPECT_GT(rate.admit("999"), 0);
}

TEST(RateLimit, TakesOneIpv6NetworkForOneAddress) {
  EXPECT_EQ(address_key("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(address_key("2001:db8::1"), address_key("2001:db8::ffff:2"));
  EXPECT_NE(address_key("2001:db8::1"), address_key("2001:db8:0:1::1"));
  EXPECT_EQ(address_key("::ffff:10.0.0.7"), "10.0.0.7");
}

}  // namespace
}  // namespace paastech
