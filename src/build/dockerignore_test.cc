#include "build/dockerignore.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace paastech::build {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Those of the paths that stay in the context.
std::vector<std::string> kept(std::string_view text, const std::vector<std::string>& paths) {
  const Result<Dockerignore> ignore = Dockerignore::parse(text);
  EXPECT_TRUE(ignore) << (ignore ? "" : ignore.error().message);
  std::vector<std::string> out;
  for (const std::string& path : paths)
    if (ignore && !ignore->excludes(path).value()) out.push_back(path);
  return out;
}

std::string refused(std::string_view text) {
  const Result<Dockerignore> ignore = Dockerignore::parse(text);
  return ignore ? "" : ignore.error().message;
}

TEST(Dockerignore, NothingIsKeptOutByNothing) {
  EXPECT_TRUE(Dockerignore::parse("")->empty());
  EXPECT_TRUE(Dockerignore::parse("\n# node_modules\n  \n.\n./\n/\n")->empty());
  EXPECT_FALSE(Dockerignore().excludes("a").value());
}

TEST(Dockerignore, ANameIsRelativeToTheContextAndTakesWhatIsBeneath) {
  EXPECT_THAT(kept("node_modules\n", {"node_modules", "node_modules/a/b", "x/node_modules", "node_modules2"}),
              ElementsAre("x/node_modules", "node_modules2"));
  EXPECT_THAT(kept("/a/\r\n./b//c\n", {"a", "a/x", "b", "b/c", "b/c/d"}), ElementsAre("b"));
  EXPECT_THAT(kept("a.b\n", {"a.b", "axb"}), ElementsAre("axb"));
}

TEST(Dockerignore, StarsAndQuestionMarksStayWithinAName) {
  EXPECT_THAT(kept("*.md\n", {"a.md", "x/a.md", ".md"}), ElementsAre("x/a.md"));
  EXPECT_THAT(kept("*/temp*\n", {"temp", "a/temporary", "a/b/temp"}), ElementsAre("temp", "a/b/temp"));
  EXPECT_THAT(kept("temp?\n", {"temp", "tempa", "tempé", "temp/"}), ElementsAre("temp", "temp/"));
  EXPECT_THAT(kept("[a-c]x\n[^a-c]y\n\\*z\n", {"ax", "dx", "ay", "dy", "*z", "az"}), ElementsAre("dx", "ay", "az"));
}

TEST(Dockerignore, TwoStarsSpanFolders) {
  EXPECT_THAT(kept("**/*.go\n", {"a.go", "x/y/a.go", "a.gox"}), ElementsAre("a.gox"));
  EXPECT_THAT(kept("src/**/test\n", {"src/test", "src/a/b/test/x", "test", "src/tests"}),
              ElementsAre("test", "src/tests"));
  EXPECT_THAT(kept("docs/**\n", {"docs", "docs/a", "docs/a/b"}), ElementsAre("docs"));
  EXPECT_THAT(kept("**\n", {"a", "a/b"}), ElementsAre());
}

TEST(Dockerignore, TheLastThatFitsDecides) {
  EXPECT_THAT(kept("*.md\n!README.md\n", {"a.md", "README.md"}), ElementsAre("README.md"));
  EXPECT_THAT(kept("*.md\n!README*.md\nREADME-secret.md\n", {"README.md", "README-secret.md"}),
              ElementsAre("README.md"));
  EXPECT_THAT(kept("!README.md\n*.md\n", {"README.md"}), ElementsAre());
  EXPECT_THAT(kept("*\n!src\n", {"a", "src", "src/x", ".env"}), ElementsAre("src", "src/x"));
}

TEST(Dockerignore, SaysWhichLineIsNone) {
  EXPECT_THAT(refused("a\n\n!\n"), HasSubstr("line 3"));
  EXPECT_THAT(refused("a\n[b\n"), HasSubstr("line 2: '[b' is not a pattern"));
  EXPECT_THAT(refused("a\\\n"), HasSubstr("line 1"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxIgnorePatterns; ++i) many += "f" + std::to_string(i) + "\n";
  EXPECT_THAT(refused(many), HasSubstr("more than 1000 patterns"));
}

TEST(Dockerignore, APathIsBytes) {
  EXPECT_THAT(kept("secrets\n*.key\n?x\n", {"secrets/caf\xe9.key", "\xff.key", "\xe9x", "\xc3\xa9x", "abx"}),
              ElementsAre("abx"));
  EXPECT_TRUE(Dockerignore::parse("# caf\xe9\n\xe9\n"));
}

TEST(Dockerignore, APlainEndAfterTwoStarsIsTheEndOfAPath) {
  EXPECT_THAT(kept("**.env\n", {"prod.env", "a/.env", "a/b.env/c", "env"}), ElementsAre("env"));
}

TEST(Dockerignore, PatternsThatAreTooMuchAreRefusedNotTried) {
  EXPECT_THAT(refused(std::string(kMaxIgnoreBytes + 1, '#')), HasSubstr("64 KiB"));
  std::string hostile;
  for (int i = 0; i < 300; ++i)
    hostile += std::string(150, '*') + "/**/a" + std::string(50, '?') + std::to_string(i) + "\n";
  const Result<Dockerignore> ignore = Dockerignore::parse(hostile);
  const Result<bool> answer = ignore ? ignore->excludes("a") : Result<bool>(std::unexpected(ignore.error()));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("too much together"));
}

}  // namespace
}  // namespace paastech::build
