#include "api/etag.h"

#include <gtest/gtest.h>

namespace paastech::api {
namespace {

net::Headers with(const std::string& name, const std::string& value) {
  net::Headers headers;
  headers.add(name, value);
  return headers;
}

TEST(Etag, LetsAChangeOfTheNamedVersionThrough) {
  for (const std::string& good : {etag(7), etag(7, "values"), std::string("*"), "\"1\", " + etag(7)})
    EXPECT_TRUE(check_if_match(with("if-match", good), 7)) << good;
  EXPECT_TRUE(check_if_match({}, 7)) << "who names none takes the risk";
}

TEST(Etag, RefusesAChangeOfAnother) {
  for (const std::string& bad : {etag(6), etag(70), etag(77), "W/" + etag(7), std::string("7"), std::string("\"\"")}) {
    const Status checked = check_if_match(with("If-Match", bad), 7);
    ASSERT_FALSE(checked.has_value()) << bad;
    EXPECT_EQ(checked.error().code, Code::kFailedPrecondition);
  }
}

TEST(Etag, KnowsWhatTheAskerHas) {
  EXPECT_TRUE(has_already(with("If-None-Match", etag(7)), etag(7)));
  EXPECT_TRUE(has_already(with("If-None-Match", "\"x\",W/" + etag(7)), etag(7))) << "compared weakly";
  EXPECT_FALSE(has_already(with("If-None-Match", etag(7)), etag(7, "values"))) << "another representation";
  EXPECT_FALSE(has_already({}, etag(7)));
}

}  // namespace
}  // namespace paastech::api
