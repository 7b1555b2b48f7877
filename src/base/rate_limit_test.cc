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

TEST(RateLimit, TakesOneIpv6NetworkForOneAddress) {
  EXPECT_EQ(address_key("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(address_key("2001:db8::1"), address_key("2001:db8::ffff:2"));
  EXPECT_NE(address_key("2001:db8::1"), address_key("2001:db8:0:1::1"));
  EXPECT_EQ(address_key("::ffff:10.0.0.7"), "10.0.0.7");
}

}  // namespace
}  // namespace paastech
