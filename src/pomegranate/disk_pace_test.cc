#include "pomegranate/disk_pace.h"

#include <gtest/gtest.h>

namespace paastech::pomegranate {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMiB = 1 << 20;
const DiskPace::Time kStart{1'000'000s};

DiskPace after_a_look(std::int64_t free_bytes, std::chrono::milliseconds took = 0ms) {
  DiskPace pace;
  EXPECT_TRUE(pace.due(free_bytes, kStart)) << "nobody has looked yet";
  pace.looked(free_bytes, kStart - took, kStart);
  return pace;
}

TEST(DiskPace, LooksOnceTheDiskHasLessRoomByAStep) {
  DiskPace pace = after_a_look(1000 * kMiB);
  EXPECT_FALSE(pace.due(1000 * kMiB, kStart + 2s));
  EXPECT_FALSE(pace.due(937 * kMiB, kStart + 4s));
  EXPECT_TRUE(pace.due(936 * kMiB, kStart + 6s));
}

TEST(DiskPace, CountsFromTheMostRoomThatThereWasSinceTheLastLook) {
  DiskPace pace = after_a_look(1000 * kMiB);
  EXPECT_FALSE(pace.due(5000 * kMiB, kStart + 2s));  // somebody made room
  EXPECT_TRUE(pace.due(4936 * kMiB, kStart + 4s));
}

TEST(DiskPace, LooksAtTimesInAnyCase) {
  DiskPace pace = after_a_look(1000 * kMiB);
  EXPECT_FALSE(pace.due(1000 * kMiB, kStart + 9s));
  EXPECT_TRUE(pace.due(1000 * kMiB, kStart + 10s));
}

TEST(DiskPace, RestsNineteenTimesAsLongAsALookTook) {
  DiskPace pace = after_a_look(1000 * kMiB, 1s);
  EXPECT_FALSE(pace.due(kMiB, kStart + 18'999ms));
  EXPECT_TRUE(pace.due(kMiB, kStart + 19s));
}

}  // namespace
}  // namespace paastech::pomegranate
