// What is made from the tree of commands: completion, the manual page, help topics.
#include <gmock/gmock.h>

#include "base/text.h"
#include "cli/format.h"
#include "cli/run_fixture.h"
#include "cli/topics.h"

namespace paastech::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class TreeTest : public CliTest {
 protected:
  std::vector<std::string> complete(std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    const Ran ran = run(std::move(words));
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    std::vector<std::string> lines = split(ran.out, '\n');
    lines.pop_back();
    return lines;
  }
};

TEST_F(TreeTest, CompletesCommandsAndOptions) {
  EXPECT_THAT(complete({"to"}), ElementsAre("tokens"));
  EXPECT_THAT(complete({"tokens", ""}), ElementsAre("create", "list", "revoke"));
  EXPECT_THAT(complete({"admin", "clients", "sus"}), ElementsAre("suspend"));
  EXPECT_THAT(complete({"logs", "--fo"}), ElementsAre("--follow"));
  EXPECT_THAT(complete({"--json", "proj"}), ElementsAre("projects"));
  EXPECT_THAT(complete({""}), Contains("deploy"));
  EXPECT_TRUE(complete({"logs", "-n", ""}).empty());
}

TEST_F(TreeTest, CompletesProjectNamesFromTheServer) {
  server.on("GET /projects?limit=100", {.body = R"({"items":[{"name":"shop"},{"name":"blog"},{"name":"shed"}]})"});
  EXPECT_THAT(complete({"logs", "-p", ""}), ElementsAre("blog", "shed", "shop"));
  EXPECT_THAT(complete({"logs", "--project", "sh"}), ElementsAre("shed", "shop"));
  EXPECT_THAT(complete({"projects", "info", "b"}), ElementsAre("blog"));
}

TEST_F(TreeTest, CompletionIsSilentWhereThereIsNoLogin) {
  variables.erase("PAASTECH_TOKEN");
  EXPECT_TRUE(complete({"logs", "-p", ""}).empty());
}

TEST_F(TreeTest, EveryShellHasItsScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run({"completion", shell});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_THAT(ran.out, HasSubstr("paastech __complete"));
  }
  EXPECT_EQ(run({"completion", "tcsh"}).exit, 2);
}

TEST_F(TreeTest, TheManualNamesEveryCommandAndTopic) {
  const std::string page = run({"__man"}).out;
  EXPECT_THAT(page, HasSubstr(".SS paastech tokens create NAME"));
  EXPECT_THAT(page, HasSubstr(".SS paastech admin clients suspend WHO"));
  EXPECT_THAT(page, HasSubstr("\\-\\-follow"));
  for (const Topic& topic : topics()) {
    std::string title = split(topic.text, '\n').front();
    for (std::size_t at = 0; (at = title.find('-', at)) != std::string::npos; at += 2) title.replace(at, 1, "\\-");
    EXPECT_THAT(page, HasSubstr(".SH \"" + title + "\""));
  }
  EXPECT_THAT(page, Not(HasSubstr("__complete")));
}

TEST_F(TreeTest, HelpKnowsTopicsAndListsThem) {
  EXPECT_THAT(run({"help", "exit-codes"}).out, HasSubstr("130  interrupted"));
  const std::string both = run({"help", "logs"}).out;
  EXPECT_THAT(both, HasSubstr("--follow"));
  EXPECT_THAT(both, HasSubstr("An application logs by writing"));
  EXPECT_THAT(run({"help"}).out, HasSubstr("getting-started"));
  const Ran unknown = run({"help", "dploy"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean"));
}

TEST_F(TreeTest, TopicsFitATerminal) {
  for (const Topic& topic : topics())
    for (const std::string& line : split(topic.text, '\n'))
      EXPECT_LE(count_characters(line), 80u) << topic.name << ": " << line;
}

}  // namespace
}  // namespace paastech::cli
