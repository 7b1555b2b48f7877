#include "docker/client.h"

#include <gtest/gtest.h>

namespace paastech::docker {
namespace {

TEST(DockerVersion, TakesTheNewestBothKnow) {
  EXPECT_EQ(*choose_version({1, 12}, {1, 41}), (ApiVersion{1, 41}));
  EXPECT_EQ(*choose_version({1, 44}, {1, 99}), kNewestApi);
}

TEST(DockerVersion, RefusesAnEngineThatIsTooOldOrTooNew) {
  const auto old = choose_version({1, 12}, {1, 40});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::kFailedPrecondition);
  EXPECT_NE(old.error().message.find("1.40"), std::string::npos);
  EXPECT_FALSE(choose_version({1, 52}, {1, 60}));
}

TEST(DockerVersion, ParsesOnlyVersions) {
  EXPECT_EQ(*parse_version("1.41"), (ApiVersion{1, 41}));
  for (const char* bad : {"", "1", "1.", "x.1", "1.41x", "1.4.1"}) EXPECT_FALSE(parse_version(bad)) << bad;
}

TEST(DockerQuery, EncodesWhatCouldEndAParameter) {
  EXPECT_EQ(query_string({}), "");
  EXPECT_EQ(query_string({{"a", "x&b=c d"}, {"f", "{\"l\":1}"}}), "?a=x%26b%3Dc%20d&f=%7B%22l%22:1%7D");
}

}  // namespace
}  // namespace paastech::docker
