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

TEST(Utf8, ASequenceIsWellFormedAndNotOneTooManyBytes) {
  EXPECT_EQ(utf8_sequence("ab"), 1u);
  EXPECT_EQ(utf8_sequence("éa"), 2u);
  EXPECT_EQ(utf8_sequence("日a"), 3u);
  EXPECT_EQ(utf8_sequence("🚀a"), 4u);
  EXPECT_EQ(utf8_sequence("\xed\x9f\xbf"), 3u);      // U+D7FF, the last before the surrogates
  EXPECT_EQ(utf8_sequence("\xf4\x8f\xbf\xbf"), 4u);  // U+10FFFF, the last of all
  for (const std::string bad : {"", "\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                "\xe6\x97", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(utf8_sequence(bad), 0u) << bad;
}

TEST(Utf8, CharactersAreCountedNotBytes) {
  EXPECT_EQ(count_characters(""), 0u);
  EXPECT_EQ(count_characters("aé日🚀"), 4u);
}

TEST(Utf8, TheFirstBytesCutNoCharacterInTwo) {
  EXPECT_EQ(first_bytes("aé日🚀", 100), "aé日🚀");
  EXPECT_EQ(first_bytes("aé日🚀", 10), "aé日🚀");
  EXPECT_EQ(first_bytes("aé日🚀", 9), "aé日");
  EXPECT_EQ(first_bytes("aé日🚀", 6), "aé日");
  EXPECT_EQ(first_bytes("aé日🚀", 5), "aé");
  EXPECT_EQ(first_bytes("aé日🚀", 2), "a");
  EXPECT_EQ(first_bytes("é", 1), "");
  EXPECT_EQ(first_bytes("é", 0), "");
}

}  // namespace
}  // namespace paastech
