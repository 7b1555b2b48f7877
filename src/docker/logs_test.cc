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

TEST(LogParser, SeparatesStreamsHoweverTheBytesArrive) {
  const std::string bytes = frame(1, std::string(kTime) + " out\n") + frame(2, std::string(kTime) + " err\r\n");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    LogParser parser;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      ASSERT_TRUE(parser.add(std::string_view(bytes).substr(at, step)));
    const auto out = parser.next();
    const auto err = parser.next();
    ASSERT_TRUE(out && err);
    EXPECT_EQ(out->text, "out");
    EXPECT_FALSE(out->error_stream);
    EXPECT_EQ(out->at_ns, parse_time_ns(kTime));
    EXPECT_EQ(out->at_ns % 1'000'000'000, 5);
    EXPECT_EQ(err->text, "err");
    EXPECT_TRUE(err->error_stream);
    EXPECT_FALSE(parser.next());
  }
}

TEST(LogParser, JoinsALongLineAndKeepsTheFirstTime) {
  LogParser parser;
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " " + std::string(16384, 'a'))));
  EXPECT_FALSE(parser.next());
  ASSERT_TRUE(parser.add(frame(1, "2026-01-31T12:00:09.0Z b\n")));
  const auto line = parser.next();
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text, std::string(16384, 'a') + "b");
  EXPECT_EQ(line->at_ns, parse_time_ns(kTime));
}

TEST(LogParser, GivesOutALastLineWithoutAnEnd) {
  LogParser parser;
  ASSERT_TRUE(parser.add(frame(1, std::string(kTime) + " no end")));
  EXPECT_FALSE(parser.next());
  parser.finish();
  EXPECT_EQ(parser.next()->text, "no end");
}

TEST(LogParser, RefusesAStreamThatIsNotFramed) {
  LogParser parser;
  EXPECT_FALSE(parser.add("just some text"));
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
