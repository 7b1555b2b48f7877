#include "base/human_bytes.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

TEST(HumanBytes, TakesTheLargestUnitThatLeavesANumberOfThreeDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1 KiB");
  EXPECT_EQ(human_bytes((1 << 20) - 1), "1 MiB");
  EXPECT_EQ(human_bytes(std::int64_t{5} << 40), "5 TiB");
}

TEST(HumanBytes, RoundsToOneDecimalAndLeavesOutNone) {
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(189'005'824), "180.3 MiB");
  EXPECT_EQ(human_bytes(512 << 20), "512 MiB");
  EXPECT_EQ(human_bytes((std::int64_t{5} << 40) + (1 << 20)), "5 TiB");
}

}  // namespace
}  // namespace paastech
