#include "api/query.h"

#include <gtest/gtest.h>

namespace paastech::api {
namespace {

TEST(Query, ReadsKnownParametersDecoded) {
  const Result<Query> query =
      Query::parse("limit=5&confirm=a%2Db+c&follow=true", {"limit", "confirm", "follow", "before"});
  ASSERT_TRUE(query);
  EXPECT_EQ(*query->number("limit", 20, 1, 100), 5);
  EXPECT_EQ(*query->number("before", 7, 1, 100), 7);
  EXPECT_EQ(query->text("confirm"), "a-b c");
  EXPECT_TRUE(*query->flag("follow"));
  EXPECT_TRUE(Query::parse("", {}));
}

TEST(Query, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Query::parse("limt=5", {"limit"}).error().message, "unknown query parameter `limt`");
  EXPECT_FALSE(Query::parse("limit=5&limit=6", {"limit"}));
  EXPECT_FALSE(Query::parse("limit=%4", {"limit"}));
  EXPECT_FALSE(Query::parse("limit=%zz", {"limit"}));
  EXPECT_FALSE(Query::parse("limit=5%00", {"limit"}));
}

TEST(Query, RefusesNumbersAndFlagsOutOfTheirRange) {
  for (const char* value : {"0", "101", "-1", "x", "5x", "", "99999999999999999999"}) {
    const Result<Query> query = Query::parse("limit=" + std::string(value), {"limit"});
    ASSERT_TRUE(query);
    EXPECT_FALSE(query->number("limit", 20, 1, 100)) << value;
  }
  EXPECT_FALSE(Query::parse("follow=yes", {"follow"})->flag("follow"));
}

}  // namespace
}  // namespace paastech::api
