#include "ingress/body_pace.h"

#include <gtest/gtest.h>

namespace paastech::ingress {
namespace {

constexpr BodyPace::Terms kTerms{.grace_ms = 30'000, .most_ms = 60'000, .rate = 500};

// Milliseconds until there is nothing left for a client that sends `bytes` every `every_ms`, at most `end_ms`.
std::int64_t lasts(std::size_t bytes, std::int64_t every_ms, std::int64_t end_ms) {
  BodyPace pace;
  pace.start(kTerms);
  std::int64_t now = 1;
  while (now < end_ms) {
    EXPECT_TRUE(pace.wait(now));
    if (pace.left_ms() < every_ms) return now + pace.left_ms();
    now += every_ms;
    pace.came(kTerms, now, bytes);
  }
  return now;
}

TEST(BodyPace, AByteASecondLastsHalfAMinute) {
  EXPECT_GE(lasts(1, 1000, 3'600'000), 30'000);
  EXPECT_LE(lasts(1, 1000, 3'600'000), 31'000);
  EXPECT_LE(lasts(1, 29'000, 3'600'000), 31'000);
}

TEST(BodyPace, WhoKeepsTheRateLastsForEver) {
  EXPECT_GE(lasts(500, 1000, 3'600'000), 3'600'000);
  EXPECT_GE(lasts(25'000, 25'000, 3'600'000), 3'600'000) << "in one piece after each pause";
}

TEST(BodyPace, TimeThatTheApplicationTakesIsNotTheClients) {
  BodyPace pace;
  pace.start(kTerms);
  ASSERT_TRUE(pace.wait(1000));
  EXPECT_FALSE(pace.wait(2000)) << "one waiting has one beginning";
  pace.came(kTerms, 5000, 0);
  EXPECT_EQ(pace.left_ms(), 26'000);
  ASSERT_TRUE(pace.wait(500'000));  // the Application took no more in between
  pace.came(kTerms, 501'000, 0);
  EXPECT_EQ(pace.left_ms(), 25'000);
}

TEST(BodyPace, MuchAtOnceSavesNoMoreThanTheMost) {
  BodyPace pace;
  pace.start(kTerms);
  pace.came(kTerms, 1000, std::size_t{1} << 30);
  EXPECT_EQ(pace.left_ms(), 60'000);
}

}  // namespace
}  // namespace paastech::ingress
