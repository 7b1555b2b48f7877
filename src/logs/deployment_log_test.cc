#include "logs/deployment_log.h"

#include <gtest/gtest.h>

#include "base/ids.h"

namespace paastech::logs {
namespace {

struct DeploymentLogTest : testing::Test {
  std::filesystem::path home = std::filesystem::temp_directory_path() / ("paastech-log-" + new_uuid());
  DeploymentLog log{home};
  void TearDown() override { std::filesystem::remove_all(home); }
};

TEST_F(DeploymentLogTest, KeepsLinesInOrderAcrossObjects) {
  ASSERT_TRUE(log.append("p", 3, "first"));
  ASSERT_TRUE(log.append("p", 3, ""));
  ASSERT_TRUE(DeploymentLog(home).append("p", 3, "third"));
  EXPECT_EQ(DeploymentLog(home).read("p", 3), (std::vector<std::string>{"first", "", "third"}));
  EXPECT_TRUE(log.read("p", 4).empty());
}

TEST_F(DeploymentLogTest, StopsGrowingAtItsLimitAndSaysSo) {
  const std::string line(100'000, 'x');
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(log.append("p", 1, line));
  const auto lines = log.read("p", 1);
  ASSERT_EQ(lines.size(), 43u);  // 41 whole ones, what fitted of the 42nd, and the note
  EXPECT_NE(lines.back().find("over 4 MiB"), std::string::npos) << lines.back().substr(0, 80);
}

TEST_F(DeploymentLogTest, IsCutBetweenCharacters) {
  std::string line;
  for (int i = 0; i < 50'000; ++i) line += "é";
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(log.append("p", 1, line));  // 42 and a newline each leave an odd number
  const auto lines = log.read("p", 1);
  ASSERT_EQ(lines.size(), 43u);
  const std::string& cut = lines[41];
  EXPECT_LT(cut.size(), line.size());
  EXPECT_TRUE(cut.ends_with("é")) << static_cast<int>(static_cast<unsigned char>(cut.back()));
  EXPECT_NE(lines.back().find("over 4 MiB"), std::string::npos);
}

TEST_F(DeploymentLogTest, CountsLinesToo) {
  const std::string lines(999, '\n');  // a thousand without a character
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(log.append("p", 1, lines, i * 1'000));
  const auto kept = log.read("p", 1);
  EXPECT_GT(kept.size(), 60'000u);  // 4 MiB by 65
  EXPECT_LT(kept.size(), 66'000u);
  EXPECT_NE(kept.back().find("over 4 MiB"), std::string::npos) << kept.back();
}

TEST_F(DeploymentLogTest, IsReadInParts) {
  ASSERT_TRUE(log.append("p", 1, "one\ntwo"));
  EXPECT_EQ(log.text("p", 1), "one\ntwo\n");
  EXPECT_EQ(log.part("p", 1, 0, 5), "one\nt");
  EXPECT_EQ(log.part("p", 1, 4, 99), "two\n");
  EXPECT_EQ(log.part("p", 1, 8, 99), "");
  EXPECT_EQ(log.part("p", 2, 0, 99), "");
}

TEST_F(DeploymentLogTest, RemovesAProjectsLogsOnly) {
  ASSERT_TRUE(log.append("p", 1, "a"));
  ASSERT_TRUE(log.append("q", 1, "b"));
  log.remove("p");
  EXPECT_TRUE(log.read("p", 1).empty());
  EXPECT_EQ(log.read("q", 1).size(), 1u);
}

}  // namespace
}  // namespace paastech::logs
