#include "pomegranate/log_resume.h"

#include <gtest/gtest.h>

namespace paastech::pomegranate {
namespace {

struct Line {
  std::int64_t at_ns;
  const char* text;
  bool error_stream = false;
};

// What a reader that stands at the cursor is given of the lines, in one string.
std::string given(LogResume resume, const std::vector<Line>& lines, bool to_the_end = true) {
  std::string out;
  const auto give = [&out](bool, std::int64_t, std::string_view text) { out += text; };
  for (const Line& line : lines) resume.take(line.error_stream, line.at_ns, line.text, give);
  if (to_the_end) resume.finish(give);
  return out;
}

TEST(LogResume, StartsAtTheBeginning) {
  EXPECT_EQ(given({}, {{5, "a"}, {5, "b"}, {6, "c"}}), "abc");
  EXPECT_EQ(LogResume().since_ns(), 0);
}

TEST(LogResume, SkipsTheLinesOfTheVeryTimeThatWereRead) {
  const std::vector<Line> lines{{4, "a"}, {5, "b"}, {5, "c"}, {5, "d"}, {6, "e"}};
  EXPECT_EQ(given({5, 1}, lines), "cde");
  EXPECT_EQ(given({5, 2}, lines), "de");
  EXPECT_EQ(given({5, 3}, lines, false), "e");
  EXPECT_EQ(given({6, 1}, lines), "");
}

TEST(LogResume, GoesByTheOrderOfWritingWhereTimesAreOutOfOrder) {
  const std::vector<Line> lines{{4, "a"}, {7, "b", true}, {5, "c"}, {6, "d"}, {8, "e"}};
  EXPECT_EQ(given({5, 1}, lines), "de");
  EXPECT_EQ(given({7, 1}, lines), "cde");
  EXPECT_LT(LogResume(LogResume::kSlackNs + 9, 1).since_ns(), LogResume::kSlackNs + 9);
}

TEST(LogResume, GivesWhatIsLaterWhereTheLineIsGone) {
  const std::int64_t later = 100 + LogResume::kSlackNs;
  EXPECT_EQ(given({100, 1}, {{150, "a"}, {160, "b"}}), "ab");
  EXPECT_EQ(given({100, 1}, {{150, "a"}}, false), "");  // the line may still come
  EXPECT_EQ(given({100, 1}, {{150, "a"}, {later + 1, "b"}, {later + 2, "c"}}, false), "abc");
}

// What the Engine does where it begins a new file: the lines from the file's first on come again.
TEST(LogResume, PassesOverLinesThatComeASecondTime) {
  EXPECT_EQ(given({}, {{1, "a"}, {2, "b"}, {3, "c"}, {2, "b"}, {3, "c"}, {4, "d"}}), "abcd");
  EXPECT_EQ(given({}, {{1, "a"}, {2, "b"}, {2, "c"}, {1, "a"}, {2, "b"}, {2, "c"}, {3, "d"}}, false), "abcd");
  EXPECT_EQ(given({}, {{5, "a"}, {7, "b"}, {6, "c", true}, {8, "d"}}), "abcd") << "only out of order";
  const std::int64_t future = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count() * 2;
  EXPECT_EQ(given({}, {{future, "a"}, {future + 1, "b"}, {3, "c"}, {4, "d"}}), "abcd") << "the clock was put back";
  // Far more lines than are remembered, and then all of them once more.
  LogResume resume(1, 1);
  std::vector<std::int64_t> times;
  const auto give = [&times](bool, std::int64_t at_ns, std::string_view) { times.push_back(at_ns); };
  for (int again = 0; again < 2; ++again)
    for (int at = 1; at <= 5'000; ++at) resume.take(false, at, "x", give);
  resume.take(false, 5'001, "x", give);
  ASSERT_EQ(times.size(), 5'000u);
  for (std::size_t i = 0; i < times.size(); ++i) ASSERT_EQ(times[i], static_cast<std::int64_t>(i) + 2);
}

TEST(LogResume, KnowsHowFarItHasCome) {
  LogResume resume;
  std::string out;
  const auto give = [&out](bool, std::int64_t, std::string_view text) { out += text; };
  const std::vector<Line> lines{{4, "a"}, {5, "b"}, {5, "c"}};
  for (const Line& line : lines) resume.take(line.error_stream, line.at_ns, line.text, give);
  resume.again();
  for (const Line& line : lines) resume.take(line.error_stream, line.at_ns, line.text, give);
  resume.take(false, 5, "d", give);
  EXPECT_EQ(out, "abcd");
}

}  // namespace
}  // namespace paastech::pomegranate
