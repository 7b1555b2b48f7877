#include "domain/crash_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paastech {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const InstanceName kWeb{3, "web", 0};

TEST(CrashBook, WaitsTwiceAsLongEachTimeUpToFiveMinutes) {
  std::vector<std::int64_t> delays;
  for (int crashes = 1; crashes <= 11; ++crashes) delays.push_back(restart_delay_ms(crashes));
  EXPECT_THAT(delays,
              ElementsAre(1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000, 128'000, 256'000, 300'000, 300'000));
  EXPECT_EQ(restart_delay_ms(1'000'000), 300'000);
}

TEST(CrashBook, OneThatCrashedWaitsThenIsToBeVerifiedThenIsWell) {
  CrashBook book;
  EXPECT_EQ(book.note(kWeb, "exit code 1", 10'000).due_ms, 11'000);
  EXPECT_THAT(book.waiting(10'999), ElementsAre(kWeb));
  EXPECT_EQ(book.next_due(10'500), 11'000);
  EXPECT_THAT(book.waiting(11'000), IsEmpty());
  EXPECT_THAT(book.unverified(11'000), ElementsAre(kWeb));
  EXPECT_EQ(book.next_due(11'000), std::nullopt);
  book.well(kWeb, 12'000);
  EXPECT_THAT(book.unverified(12'000), IsEmpty());
  EXPECT_EQ(book.all().at(kWeb).reason, "exit code 1");
}

TEST(CrashBook, AnEndWhileItWaitsIsNoFurtherCrash) {
  CrashBook book;
  book.note(kWeb, "exit code 1", 0);
  EXPECT_EQ(book.note(kWeb, "exit code 137", 500).count, 1);
  EXPECT_EQ(book.note(kWeb, "exit code 1", 1'000).count, 2);
}

TEST(CrashBook, CountsOnUntilItWasWellForTenMinutes) {
  CrashBook book;
  book.note(kWeb, "exit code 1", 0);
  book.well(kWeb, 2'000);
  EXPECT_EQ(book.note(kWeb, "exit code 1", 2'000 + kWellMs - 1).count, 2);
  const std::int64_t well = 2'000 + kWellMs + 10'000;
  book.well(kWeb, well);
  EXPECT_EQ(book.note(kWeb, "exit code 1", well + kWellMs).count, 1);
}

TEST(CrashBook, ForgetsWhatIsGoneAndWhatWasWellForLong) {
  CrashBook book;
  book.note(kWeb, "exit code 1", 0);
  book.note({3, "web", 1}, "exit code 1", 0);
  book.note({2, "web", 0}, "exit code 1", 0);
  book.keep_only({{{3, "web"}, 1}}, 500);
  EXPECT_EQ(book.all().size(), 1U);
  book.well(kWeb, 1'000);
  book.keep_only({{{3, "web"}, 1}}, 1'000 + kWellMs);
  EXPECT_TRUE(book.empty());
}

}  // namespace
}  // namespace paastech
