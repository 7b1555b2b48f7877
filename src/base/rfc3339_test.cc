#include "base/rfc3339.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace paastech {
namespace {

TEST(Rfc3339, IsReadWithFractionAndOffset) {
  EXPECT_EQ(parse_rfc3339_ns("1970-01-01T00:00:01.5Z"), 1'500'000'000);
  EXPECT_EQ(parse_rfc3339_ns("2000-03-01T00:00:00Z"), 951'868'800LL * 1'000'000'000);
  EXPECT_EQ(parse_rfc3339_ns("2000-03-01T02:30:00+02:30"), 951'868'800LL * 1'000'000'000);
  EXPECT_EQ(parse_rfc3339_ns("2000-02-29t19:00:00-05:00"), 951'868'800LL * 1'000'000'000);
  EXPECT_EQ(parse_rfc3339_ns("1970-01-01T00:00:00.1234567899z"), 123'456'789);
  EXPECT_EQ(parse_rfc3339_ns(rfc3339(1'800'000'000'123)), 1'800'000'000'123LL * 1'000'000);
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-01-31 12:00:00Z", "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00ZZ", "2026-01-31T12:00:00+2:00", "2026-01-31T12:00:00+0200", "-026-01-31T12:00:00Z",
        "0001-01-01T00:00:00Z", "2262-01-01T00:00:00Z", "1970-01-01T00:00:00+00:01", "yesterday"})
    EXPECT_FALSE(parse_rfc3339_ns(bad)) << bad;
}

}  // namespace
}  // namespace paastech
