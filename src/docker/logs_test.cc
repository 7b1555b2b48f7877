#include "docker/logs.h"

#include <gtest/gtest.h>

#include "docker/containers.h"
#include "docker/events.h"

namespace paastech::docker {
namespace {

std::string frame(char stream, const std::string& text) {
  std::string out{stream, 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(text.size() >> shift & 255));
  return out + text;
}

constexpr const char* kTime = "2026-01-31T12:00:00.000000005Z";

struct Lines final : LineTaker {
  void take(bool error_stream, std::int64_t at_ns, std::string_view text) override {
    got.push_back({error_stream, at_ns, std::string(text)});
  }
  std::vector<LogEntry> got;
};

TEST(LogParser, SeparatesStreamsHoweverTheBytesArrive) {
  const std::string bytes = frame(1, std::string(kTime) + " out\n") + frame(2, std::string(kTime) + " err\r\n") +
                            frame(1, std::string(kTime) + " \n");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    LogParser parser;
    Lines lines;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      ASSERT_TRUE(parser.add(std::string_view(bytes).substr(at, step), lines));
    ASSERT_EQ(lines.got.size(), 3u) << step;
    EXPECT_EQ(lines.got[0].text, "out");
    EXPECT_FALSE(lines.got[0].error_stream);
    EXPECT_EQ(lines.got[0].at_ns, parse_time_ns(kTime));
    EXPECT_EQ(lines.got[0].at_ns % 1'000'000'000, 5);
    EXPECT_EQ(lines.got[1].text, "err");
    EXPECT_TRUE(lines.got[1].error_stream);
    EXPECT_EQ(lines.got[2].text, "");
  }
}

TEST(LogParser, ReadsEachTimeHoweverTheOneBeforeWas) {
  LogParser parser;
  Lines lines;
  const char* const times[] = {"2026-01-31T12:00:00.000000005Z", "2026-01-31T12:00:00.987654321Z",
                               "2026-01-31T12:00:01.000000001Z", "2026-01-31T12:00:01.5Z",
                               "2026-01-31T14:00:01.5+02:00",    "2026-01-31T12:00:01.000000001Z"};
  for (const char* time : times) ASSERT_TRUE(parser.add(frame(1, std::string(time) + " x\n"), lines));
  ASSERT_EQ(lines.got.size(), std::size(times));
  for (std::size_t i = 0; i < std::size(times); ++i) EXPECT_EQ(lines.got[i].at_ns, parse_time_ns(times[i])) << times[i];
  ASSERT_TRUE(parser.add(frame(1, "no time\n"), lines));
  EXPECT_EQ(lines.got.back().at_ns, 0);
  EXPECT_EQ(lines.got.back().text, "no time");
}

TEST(LogParser, JoinsALongLineAndKeepsTheFirstTime) {
  LogParser parser;
  Lines lines;
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " " + std::string(16384, 'a')), lines));
  EXPECT_TRUE(lines.got.empty());
  ASSERT_TRUE(parser.add(frame(2, std::string(kTime) + " between\n"), lines));
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " b\n"), lines));
  ASSERT_EQ(lines.got.size(), 2u);
  EXPECT_EQ(lines.got[1].text, std::string(16384, 'a') + "b");
  EXPECT_EQ(lines.got[1].at_ns, parse_time_ns(kTime));
}

TEST(LogParser, ALastWordWithoutAnEndIsNoPartOfTheNextRunsFirstLine) {
  LogParser parser;
  Lines lines;
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " last word"), lines));
  ASSERT_TRUE(parser.add(frame(1, "2026-01-31T12:00:09.000000000Z first\n"), lines));
  ASSERT_EQ(lines.got.size(), 2u);
  EXPECT_EQ(lines.got[0].text, "last word");
  EXPECT_EQ(lines.got[0].at_ns, parse_time_ns(kTime));
  EXPECT_EQ(lines.got[1].text, "first");
}

TEST(LogParser, GivesTheSameOrderBeforeAndAfterTheNextRun) {
  const std::string first = frame(1, "2026-01-31T12:00:00.000000001Z out") +
                            frame(2, "2026-01-31T12:00:00.000000002Z err") +
                            frame(2, "2026-01-31T12:00:00.000000002Z or\n");
  const std::string next =
      frame(2, "2026-01-31T12:00:00.200000000Z again\n") + frame(1, "2026-01-31T12:00:00.300000000Z x\n");
  const auto texts = [](const std::string& bytes) {
    LogParser parser;
    Lines lines;
    EXPECT_TRUE(parser.add(bytes, lines));
    parser.finish(lines);
    std::string all;
    for (const LogEntry& entry : lines.got) all += entry.text + " ";
    return all;
  };
  EXPECT_EQ(texts(first), "error out ");
  EXPECT_EQ(texts(first + next), "error out again x ");
}

TEST(LogParser, CutsALineThatIsTooLong) {
  LogParser parser;
  Lines lines;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " " + std::string(16384, 'a')), lines));
  ASSERT_EQ(lines.got.size(), 1u);
  EXPECT_EQ(lines.got[0].text.size(), 64u << 10);
}

TEST(LogParser, GivesOutALastLineWithoutAnEnd) {
  LogParser parser;
  Lines lines;
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " no end"), lines));
  EXPECT_TRUE(lines.got.empty());
  parser.finish(lines);
  ASSERT_EQ(lines.got.size(), 1u);
  EXPECT_EQ(lines.got[0].text, "no end");
}

TEST(LogParser, RefusesAStreamThatIsNotFramed) {
  LogParser parser;
  Lines lines;
  EXPECT_FALSE(parser.add("just some text", lines));
}

TEST(Time, ReadsTheEnginesTimes) {
  EXPECT_EQ(parse_time_ns("1970-01-01T00:00:01.5Z"), 1'500'000'000);
  EXPECT_EQ(parse_time_ns("2000-03-01T00:00:00Z"), 951'868'800LL * 1'000'000'000);
  EXPECT_EQ(parse_time_ns("0001-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time_ns("yesterday"), 0);
}

TEST(Event, KeepsLabelsAndExitCode) {
  const auto event = parse_event(
      R"({"Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{"exitCode":"3","paastech.process":"web"}},"timeNano":7})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->action, "die");
  EXPECT_EQ(event->attributes.at("exitCode"), "3");
  EXPECT_EQ(event->attributes.at("paastech.process"), "web");
  EXPECT_EQ(event->at_ns, 7);
}

TEST(LineCutter, CutsWhatIsTooLong) {
  LineCutter cutter(4);
  cutter.add("ab\r\ncdefgh");
  EXPECT_EQ(*cutter.next(), "ab");
  EXPECT_EQ(*cutter.next(), "cdef");
  EXPECT_FALSE(cutter.next());
  EXPECT_EQ(cutter.rest(), "gh");
}

}  // namespace
}  // namespace paastech::docker
