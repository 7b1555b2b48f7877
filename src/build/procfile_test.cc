#include "build/procfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace paastech::build {
namespace {

using testing::HasSubstr;

std::string shown(std::string_view text) {
  const auto lines = parse_procfile(text);
  if (!lines) {
    EXPECT_EQ(lines.error().code, Code::kInvalidArgument);
    EXPECT_FALSE(lines.error().hint.empty());
    return lines.error().message;
  }
  std::string out;
  for (const ProcfileLine& line : *lines) out += std::to_string(line.line) + " " + line.name + "=" + line.command + ";";
  return out;
}

TEST(Procfile, ReadsNamesAndCommands) {
  EXPECT_EQ(shown("web: node server.js\nworker:  bundle exec x:y \t\n"),
            "1 web=node server.js;2 worker=bundle exec x:y;");
  EXPECT_EQ(shown("# a comment\r\n\r\n  web :a\r\nrelease:b"), "3 web=a;4 release=b;");
  EXPECT_EQ(shown("web: echo \"ü\" # not a comment\n"), "1 web=echo \"ü\" # not a comment;");
  EXPECT_EQ(shown(""), "");
}

TEST(Procfile, NamesTheLineOfWhatIsWrong) {
  EXPECT_EQ(shown("web: a\nworker b\n"), "Procfile line 2: has no colon");
  EXPECT_EQ(shown("web: a\n\nweb: b\n"), "Procfile line 3: `web` is there twice, first on line 1");
  EXPECT_EQ(shown("release: a\nrelease: b\n"), "Procfile line 2: `release` is there twice, first on line 1");
  EXPECT_EQ(shown("web:\n"), "Procfile line 1: `web` has no command");
  EXPECT_THAT(shown("Web: a\n"), HasSubstr("Procfile line 1: `Web` is not the name of a process"));
  EXPECT_THAT(shown(": a\n"), HasSubstr("is not the name of a process"));
  EXPECT_THAT(shown("build: a\n"), HasSubstr("`build` is a word that the platform uses itself"));
  EXPECT_THAT(shown("web: a\x1b[31m\n"), HasSubstr("Procfile line 1: has a control character"));
  EXPECT_THAT(shown(std::string("web: a\0b\n", 9)), HasSubstr("has a control character"));
  EXPECT_THAT(shown("web: \xff\n"), HasSubstr("Procfile line 1: is not UTF-8"));
}

TEST(Procfile, IsBounded) {
  EXPECT_THAT(shown("web: " + std::string(4096, 'a')), HasSubstr("1 web="));
  EXPECT_THAT(shown("web: " + std::string(4097, 'a')), HasSubstr("the command of `web` is too long"));
  EXPECT_EQ(shown(std::string(64 * 1024, '\n')), "");
  EXPECT_EQ(shown(std::string(64 * 1024 + 1, '\n')), "Procfile is over 64 KiB");
}

}  // namespace
}  // namespace paastech::build
