#include "api/cursor.h"

#include <gtest/gtest.h>

namespace paastech::api {
namespace {

TEST(Cursor, GivesTheKeyBack) {
  for (const std::string& key :
       {std::string("hello"), std::string(), std::string("1800000000000/ü~?>"), std::string(500, 'x')}) {
    Result<std::string> read = read_cursor(make_cursor(key));
    ASSERT_TRUE(read.has_value()) << key;
    EXPECT_EQ(*read, key);
  }
}

TEST(Cursor, NeedsNoEscapingInAQuery) {
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(make_cursor("key " + std::to_string(i)).find_first_of("+/=&%"), std::string::npos);
}

TEST(Cursor, RefusesWhatIsDamaged) {
  const std::string good = make_cursor("hello");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    Result<std::string> read = read_cursor(bad);
    // The last character holds bits that mean nothing, which the decoder refuses too.
    EXPECT_FALSE(read.has_value()) << bad;
    if (!read) {
      EXPECT_EQ(read.error().code, Code::kInvalidArgument);
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read_cursor(good.substr(0, size)).has_value());
  for (const std::string& bad : {good + "=", good + "\n", std::string("null"), std::string(5'000, 'A')})
    EXPECT_FALSE(read_cursor(bad).has_value()) << bad;
}

TEST(Cursor, HoldsTextOnly) {
  for (const std::string& key : {std::string("a\0b", 3), std::string("\xff"), std::string("\xc3")}) {
    Result<std::string> read = read_cursor(make_cursor(key));
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace paastech::api
