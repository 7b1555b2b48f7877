// The pure parts: .env files, tables and units, server addresses, event streams, suggestions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/dotenv.h"
#include "cli/format.h"
#include "cli/server_url.h"
#include "cli/sse.h"
#include "cli/suggest.h"

namespace paastech::cli {
namespace {

using ::testing::HasSubstr;
using Values = std::map<std::string, std::string>;

TEST(Dotenv, ReadsEveryForm) {
  const auto values = parse_dotenv(
      "\xef\xbb\xbf# comment\n\n  export A=1\r\nB = two words  # comment\nC=a#b\nD=\nE='as $is \\n'\n"
      "F=\"x\\ty \\\"q\\\" \\$H \\d\" # comment\nG='two\nlines'\nH=\"three\n\nlines\"\nI=a=b\nA=again\nJ=last");
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(*values, (Values{{"A", "again"},
                             {"B", "two words"},
                             {"C", "a#b"},
                             {"D", ""},
                             {"E", "as $is \\n"},
                             {"F", "x\ty \"q\" $H \\d"},
                             {"G", "two\nlines"},
                             {"H", "three\n\nlines"},
                             {"I", "a=b"},
                             {"J", "last"}}));
}

TEST(Dotenv, NamesTheLineOfAnError) {
  const auto message = [](std::string_view text) { return parse_dotenv(text).error().message; };
  EXPECT_THAT(message("A=1\nnothing\n"), HasSubstr("line 2: there is no `=`"));
  EXPECT_THAT(message("A='1\n2'\n3X=1"), HasSubstr("line 3: `3X`"));
  EXPECT_THAT(message("\n\nA=\"never closed\n\n"), HasSubstr("line 3: the quote \""));
  EXPECT_THAT(message("A='a'b"), HasSubstr("line 1: text stands behind"));
  EXPECT_THAT(message(std::string_view("A=1\nB=\0", 7)), HasSubstr("line 2: a NUL"));
  EXPECT_THAT(message("=x"), HasSubstr("line 1"));
}

TEST(Tables, AlignAndStayPlain) {
  EXPECT_EQ(render_table({{"A", "B"}, {{"é\x1b[31mx\x1b[0m", "1"}, {"long one", "two\nlines"}, {"", ""}}}),
            "A         B\n"
            "éx        1\n"
            "long one  two lines\n"
            "\n");
}

TEST(Tables, ShortenTheWidestColumnToFit) {
  EXPECT_EQ(render_table({{"A", "B"}, {{"x", "a very long subject of a commit"}}}, 20), "A  B\nx  a very long subj…\n");
}

TEST(Numbers, AreCountedInSingularAndPlural) {
  EXPECT_EQ(counted(0, "other login"), "0 other logins");
  EXPECT_EQ(counted(1, "other login"), "1 other login");
  EXPECT_EQ(counted(2, "other login"), "2 other logins");
}

TEST(Times, AreHuman) {
  EXPECT_EQ(human_time(450), "450 ms");
  EXPECT_EQ(human_time(3250), "3.2 s");
  EXPECT_EQ(human_time(90'000), "90 s");
  EXPECT_EQ(human_time(5 * 60'000), "5 min");
  EXPECT_EQ(human_time(3 * 86'400'000LL), "3 d");
  EXPECT_EQ(human_time(-5), "0 ms");
  EXPECT_EQ(parse_time("1970-01-01T00:01:00.250Z"), 60'250);
  EXPECT_EQ(parse_time("yesterday"), std::nullopt);
  EXPECT_EQ(parse_time("2026-01-01T00:00:00+02:00"), std::nullopt);
}

TEST(ServerAddress, IsNormalised) {
  const auto url = [](std::string_view text) { return parse_server_url(text).value().url; };
  EXPECT_EQ(url("http://LocalHost:8000/"), "http://localhost:8000");
  EXPECT_EQ(url("https://paas.example.org/base//"), "https://paas.example.org/base");
  EXPECT_TRUE(parse_server_url("http://127.0.0.1:1")->loopback);
  EXPECT_TRUE(parse_server_url("http://[::1]:1")->loopback);
  EXPECT_FALSE(parse_server_url("http://127.evil.org")->loopback);
  EXPECT_TRUE(parse_server_url("https://a.b")->secure);
}

TEST(ServerAddress, RefusesWhatIsNone) {
  for (const char* text :
       {"", "localhost:8000", "ftp://x", "http://", "http://user:pw@x", "http://x/?q", "file:///etc"})
    EXPECT_FALSE(parse_server_url(text)) << text;
}

TEST(EventStream, IsParsedAcrossAnySplit) {
  const std::string text =
      ": comment\r\nevent: line\r\ndata: one\r\ndata:two\r\n\r\nid: 3\ndata: {}\n\nevent: empty\n\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SseParser parser;
    std::vector<Event> events = parser.feed(text.substr(0, cut));
    for (Event& event : parser.feed(text.substr(cut))) events.push_back(std::move(event));
    ASSERT_EQ(events.size(), 2U) << cut;
    EXPECT_EQ(events[0].name, "line");
    EXPECT_EQ(events[0].data, "one\ntwo");
    EXPECT_EQ(events[1].name, "message");
    EXPECT_EQ(events[1].data, "{}");
  }
}

TEST(EventStream, IsBounded) {
  SseParser parser;
  const std::string much(SseParser::kLimit + 1, 'x');
  parser.feed(much);
  EXPECT_TRUE(parser.failed());
}

TEST(Suggestions, AreNear) {
  const std::vector<std::string> known{"deploy", "deployments", "logs", "login", "logout", "ps"};
  EXPECT_EQ(nearest("deploi", known), "deploy");
  EXPECT_EQ(nearest("lgos", known), "logs");
  EXPECT_EQ(nearest("logut", known), "logout");
  EXPECT_EQ(nearest("xyzzy", known), "");
}

}  // namespace
}  // namespace paastech::cli
