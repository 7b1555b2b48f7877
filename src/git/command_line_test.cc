#include "git/command_line.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

namespace paastech::git {
namespace {

TEST(CommandLine, AcceptsPushAndFetchByNameAndUuid) {
  const auto push = parse_git_command("git-receive-pack 'hello'");
  ASSERT_TRUE(push);
  EXPECT_TRUE(push->write);
  EXPECT_EQ(push->repository, "hello");
  for (const char* line : {"git-upload-pack '/hello'", "git-upload-pack 'hello.git'", "git-upload-pack '/hello.git'"}) {
    const auto fetch = parse_git_command(line);
    ASSERT_TRUE(fetch) << line;
    EXPECT_FALSE(fetch->write);
    EXPECT_EQ(fetch->repository, "hello");
  }
  const auto uuid = parse_git_command("git-upload-pack '/0f8fad5b-d9cb-469f-a165-70867728950e.git'");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->repository, "0f8fad5b-d9cb-469f-a165-70867728950e");
}

TEST(CommandLine, RefusesEverythingElseWithAHint) {
  for (const char* line : {"",
                           "git-receive-pack",
                           "git-receive-pack ",
                           "git-receive-pack hello",
                           "git-receive-pack 'hello",
                           "git-shell 'hello'",
                           "git-receive-pack 'a';id",
                           "git-receive-pack 'hello' 'x'",
                           "git-receive-pack 'hello'; id",
                           "git-receive-pack  'hello'",
                           "git receive-pack 'hello'",
                           "git-receive-pack '../hello'",
                           "git-receive-pack '--help'",
                           "git-receive-pack '-hello'",
                           "git-receive-pack 'hel'\\''lo'",
                           "git-receive-pack '//hello'",
                           "git-receive-pack '/~/hello'",
                           "git-receive-pack ''",
                           "git-receive-pack '$(id)'",
                           "git-receive-pack '`id`'",
                           "git-receive-pack 'Hello'",
                           "git-receive-pack 'hello.git.git'",
                           "git-receive-pack 'hello/'",
                           "git-receive-pack 'a/b'",
                           "git-upload-archive 'hello'",
                           "scp -t /tmp",
                           "sh -c id",
                           "git-receive-pack 'hello\n'",
                           "git-receive-pack \"hello\"",
                           "\n git-receive-pack 'hello'",
                           "git-upload-pack --strict 'hello'",
                           "git-receive-pack '0F8FAD5B-D9CB-469F-A165-70867728950E'"}) {
    const auto command = parse_git_command(line);
    ASSERT_FALSE(command) << line;
    EXPECT_FALSE(command.error().message.empty());
    EXPECT_FALSE(command.error().hint.empty());
  }
}

TEST(CommandLine, ShowsNoControlCharactersOfABadName) {
  const auto command = parse_git_command("git-receive-pack '\x1b]52;c;eA==\x07x'");
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().message.find('\x1b'), std::string::npos);
  EXPECT_EQ(command.error().message.find('\x07'), std::string::npos);
}

// Mutates good lines: whatever is accepted must match the grammar written down a second time.
TEST(CommandLine, AcceptsOnlyTheGrammarUnderMutation) {
  const std::regex grammar(
      "git-(receive|upload)-pack '/?([a-z][a-z0-9-]{2,29}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(\\.git)?'");
  const std::string seeds[] = {"git-receive-pack 'hello'", "git-upload-pack '/my-project.git'",
                               "git-upload-pack '0f8fad5b-d9cb-469f-a165-70867728950e'"};
  const std::string pieces[] = {"'", "\\", " ",  "/", "..", ".git", ";",     "\n",
                                "-", "--", "$(", "`", "a",  "0",    "'\\''", "\xff"};
  std::mt19937 random(15);
  int accepted = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string line = seeds[random() % 3];
    for (unsigned n = random() % 3; n > 0; --n) {
      const std::size_t at = random() % (line.size() + 1);
      if (random() % 2 == 0 && at < line.size())
        line.erase(at, 1 + random() % 3);
      else
        line.insert(at, pieces[random() % std::size(pieces)]);
    }
    const auto command = parse_git_command(line);
    if (!command) continue;
    ++accepted;
    ASSERT_TRUE(std::regex_match(line, grammar)) << line;
    ASSERT_EQ(command->repository.find_first_of("/'\\ "), std::string::npos) << line;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(CommandLine, PassesOnlyKnownProtocolVersions) {
  EXPECT_TRUE(is_git_protocol("version=2"));
  for (const char* value : {"", "version=3", "version=2:x", "version=2\n", "2"})
    EXPECT_FALSE(is_git_protocol(value)) << value;
}

}  // namespace
}  // namespace paastech::git
