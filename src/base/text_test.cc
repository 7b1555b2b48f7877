#include "base/text.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

TEST(SanitizeTerminal, KeepsTextLinesTabsAndColours) {
  for (const std::string text : {"plain\n\ttext", "\x1b[1;31mred\x1b[0m", "é ü – 日本 🚀", "\xc2\xa0", ""})
    EXPECT_EQ(sanitize_terminal(text), text);
}

TEST(SanitizeTerminal, RemovesWhatSteersATerminal) {
  EXPECT_EQ(sanitize_terminal("a\x1b[2Jb\x1b[?1049hc"), "abc");
  EXPECT_EQ(sanitize_terminal("a\x1b]0;title\ab\x1b]52;c;aGk=\x1b\\c"), "abc");  // also OSC 52, the clipboard
  EXPECT_EQ(sanitize_terminal("a\x1bPq#0\x1b\\b\x1bxc"), "abc");
  EXPECT_EQ(sanitize_terminal("k\rl\x08m\x7fn\ao"), "klmno");
  EXPECT_EQ(sanitize_terminal("k\xc2\x9bJm"), "kJm");  // U+009B, CSI in one character
}

TEST(SanitizeTerminal, WhatIsCutShortLeavesNothingBehind) {
  for (const std::string text : {"a\x1b", "a\x1b[", "a\x1b[31", "a\x1b]52;c;aGk=", "a\x1bP"})
    EXPECT_EQ(sanitize_terminal(text), "a") << text.substr(1);
}

TEST(SanitizeTerminal, WhatIsRemovedDoesNotJoinItsNeighboursIntoAnother) {
  EXPECT_EQ(sanitize_terminal("k\xc2\a\x9bJm"), "kJm");
  EXPECT_EQ(sanitize_terminal("k\xc2\x1b[2K\x9dm"), "km");
  EXPECT_EQ(sanitize_terminal("a\xc2\nb"), "a\xc2\nb");  // broken UTF-8 takes nothing with it
  EXPECT_EQ(sanitize_terminal("a\x1b\a[2Jb"), "a[2Jb");
  EXPECT_EQ(sanitize_terminal("a\x1b\x1b[2Jb"), "a[2Jb");
}

}  // namespace
}  // namespace paastech
