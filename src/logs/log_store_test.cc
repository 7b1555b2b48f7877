#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "logs/log_test_support.h"

namespace paastech::logs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(LogStoreTest, KeepsLinesOfManySourcesInTheOrderOfArrivalAcrossOpenings) {
  append(web(0), {"one", "two"});
  append(web(1), {""});
  append({"release", "release", 1}, {"migrated"});
  reopen();
  append(web(0), {"three"});
  EXPECT_THAT(tail(), ElementsAre("1 web.1 one", "2 web.1 two", "3 web.2 ", "4 release migrated", "5 web.1 three"));
  EXPECT_THAT(after(3), ElementsAre("4 release migrated", "5 web.1 three"));
}

TEST_F(LogStoreTest, GivesTheNewestLinesThatAreAskedFor) {
  for (int i = 1; i <= 5'000; ++i) append(web(), {fmt::format("line {} {}", i, std::string(100, 'x'))});
  EXPECT_THAT(tail(0), IsEmpty());
  const auto three = tail(3);
  ASSERT_THAT(three, SizeIs(3));
  EXPECT_THAT(three[0], HasSubstr("4998 web.1 line 4998"));
  EXPECT_THAT(tail(4'000), SizeIs(4'000)) << "over many stretches of the file";
  EXPECT_THAT(tail(4'000, {}, 1'000), SizeIs(8)) << "as many as fit";
  EXPECT_THAT(tail(4'000, {}, 1), SizeIs(1)) << "and never none";
}

TEST_F(LogStoreTest, FindsWhatAFilterAsksFor) {
  append(web(0, 1), {"GET /cart 200", "GET /pay 500"}, kNow * 1'000'000);
  append({"worker", "worker.1", 2, "e"}, {"paid 7"}, kNow * 1'000'000 + 10 * kSecond);
  append(web(0, 2), {"GET /pay 200"}, kNow * 1'000'000 + 20 * kSecond);
  const auto with = [&](std::int64_t since_ns, const std::string& process, std::int64_t deployment,
                        const std::string& pattern) {
    const auto filter = LogFilter::make(since_ns, process, deployment, pattern);
    EXPECT_TRUE(filter) << filter.error().message;
    return tail(100, filter.value_or(LogFilter()));
  };
  EXPECT_THAT(with(0, "worker", 0, ""), ElementsAre("3 worker.1 paid 7"));
  EXPECT_THAT(with(0, "", 2, ""), ElementsAre("3 worker.1 paid 7", "4 web.1 GET /pay 200"));
  EXPECT_THAT(with(kNow * 1'000'000 + 1, "", 0, ""), ElementsAre("3 worker.1 paid 7", "4 web.1 GET /pay 200"));
  EXPECT_THAT(with(0, "", 0, "pay \\d00$"), ElementsAre("2 web.1 GET /pay 500", "4 web.1 GET /pay 200"));
  EXPECT_THAT(with(0, "web", 1, "(?i)get /PAY"), ElementsAre("2 web.1 GET /pay 500"));
  for (const char* bad : {"(", "a{2000}{2000}", "(?=a)"}) {
    const auto filter = LogFilter::make(0, "", 0, bad);
    ASSERT_FALSE(filter) << bad;
    EXPECT_EQ(filter.error().code, Code::kInvalidArgument);
  }
}

TEST_F(LogStoreTest, KnowsHowFarEachInstanceWasReadAlsoAfterAKill) {
  append(web(0), {"a", "b"}, kNow * 1'000'000);
  append(web(1), {"c"}, kNow * 1'000'000 + 5);
  append(web(0), {"d"}, kNow * 1'000'000);
  append({"build", "build", 1}, {"of ours: nobody asks for them again"});
  const std::map<std::string, LogCursor> expected{{"engine-1-0", {kNow * 1'000'000, 3}},
                                                  {"engine-1-1", {kNow * 1'000'000 + 5, 1}}};
  EXPECT_EQ(store->project(project)->cursors(), expected);
  reopen();
  EXPECT_EQ(store->project(project)->cursors(), expected);
}

TEST_F(LogStoreTest, BoundsItsSizeByDroppingTheOldestSegments) {
  limits.segment_bytes = 16 << 10;
  limits.project_bytes = 64 << 10;
  reopen();
  append(web(7), {"quiet ever since"});
  for (int i = 0; i < 3'000; ++i) append(web(), {fmt::format("{} {}", i, std::string(100, 'x'))});
  std::uintmax_t bytes = 0;
  for (const auto& file : files()) bytes += std::filesystem::file_size(file);
  EXPECT_LE(bytes, limits.project_bytes + 200);
  EXPECT_GE(bytes, limits.project_bytes - 2 * limits.segment_bytes);
  std::uint64_t missed = 0;
  const auto kept = after(10, &missed);
  EXPECT_EQ(kept.size() + missed, 2'991u) << "a reader is told how many are gone";
  EXPECT_GT(missed, 0u);
  reopen();
  EXPECT_EQ(store->project(project)->cursors().count("engine-1-7"), 1u)
      << "its lines are gone, how far it was read is not";
  EXPECT_EQ(after(10), kept);
}

TEST_F(LogStoreTest, DropsWhatIsTooOld) {
  limits.age_ms = 3 * kDay;
  reopen();
  for (int day = 0; day < 6; ++day, now_ms += kDay) append(web(), {fmt::format("day {}", day)});
  EXPECT_THAT(files(), SizeIs(3)) << "one a day";
  EXPECT_THAT(tail().front(), HasSubstr("day 3"));
  now_ms += 20 * 365 * kDay;  // the files' own times are those of the machine
  store->expire(now_ms);
  EXPECT_THAT(tail(), IsEmpty());
  EXPECT_THAT(files(), SizeIs(1));
  EXPECT_THAT(store->project(project)->cursors(), SizeIs(1)) << "but it runs, and is read on where it was";
  append(web(), {"awake"});
  EXPECT_THAT(tail(), ElementsAre("7 web.1 awake"));
}

TEST_F(LogStoreTest, ForgetsInstancesThatAreGoneForADay) {
  append(web(0), {"a"});
  append(web(1), {"b"});
  store->project(project)->keep_cursors({"engine-1-1"}, now_ms);
  now_ms += kDay;
  append(web(2), {"c"});  // begins a segment
  EXPECT_EQ(store->project(project)->cursors().count("engine-1-0"), 0u);
  EXPECT_EQ(store->project(project)->cursors().count("engine-1-1"), 1u);
  now_ms += kDay;
  append(web(0), {"back"});
  reopen();
  EXPECT_THAT(store->project(project)->cursors(), SizeIs(3));
}

TEST_F(LogStoreTest, CutsLongLinesBetweenCharactersAndSaysSo) {
  std::string text;
  while (text.size() < 2 * kMaxLineBytes) text += "€";
  append(web(), {text, "next"});
  const auto lines = tail();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], testing::EndsWith("€ … (cut at 64 KiB)"));
  EXPECT_LT(lines[0].size(), kMaxLineBytes + 64);
}

TEST_F(LogStoreTest, CutsOffATornEndAndGoesOn) {
  append(web(), {"whole"});
  append(web(), {"torn"});
  const auto file = files().front();
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 2);
  reopen();
  EXPECT_THAT(tail(), ElementsAre("1 web.1 whole"));
  EXPECT_EQ(store->project(project)->cursors().at("engine-1-0").at_ns, kNow * 1'000'000);
  append(web(), {"again"});
  reopen();
  EXPECT_THAT(tail(), ElementsAre("1 web.1 whole", "2 web.1 again"));
}

TEST_F(LogStoreTest, SurvivesASegmentThatWasCutOffWhileItWasMade) {
  append(web(), {"kept"});
  std::ofstream(folder() / "new") << "paastech log v1\nand a part of";
  std::ofstream(segment_path(folder(), 2)) << "paas";
  std::ofstream(folder() / "notes.txt") << "somebody's own";
  reopen();
  EXPECT_THAT(tail(), ElementsAre("1 web.1 kept"));
  append(web(), {"more"});
  EXPECT_THAT(files(), SizeIs(1));
}

TEST_F(LogStoreTest, SkipsADamagedStretchOfAnOldSegment) {
  limits.segment_bytes = 4 << 10;
  reopen();
  for (int i = 0; i < 100; ++i) append(web(), {fmt::format("{} {}", i, std::string(100, 'x'))});
  ASSERT_GE(files().size(), 3u);
  std::fstream damaged(files().front(), std::ios::in | std::ios::out);
  damaged.seekp(1'000);
  damaged.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  damaged.close();
  reopen();
  std::uint64_t missed = 0;
  const auto lines = after(0, &missed);
  EXPECT_EQ(lines.size() + missed, 100u);
  EXPECT_GT(missed, 0u);
  EXPECT_THAT(lines.back(), HasSubstr(" 99 "));
  EXPECT_EQ(tail(1'000), lines);
}

TEST_F(LogStoreTest, DropsLinesWhileTheDiskIsFullAndSaysHowMany) {
  append(web(), {"before"}, 1);
  rlimit was{};
  ::getrlimit(RLIMIT_FSIZE, &was);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{std::filesystem::file_size(files().front()) + 10, was.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  const std::size_t kept = append(web(), {"lost", "lost too"}, 2);
  EXPECT_EQ(append(web(1), {"a stranger's"}, 2), 0u);
  ::setrlimit(RLIMIT_FSIZE, &was);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(kept, 0u);
  EXPECT_EQ(store->project(project)->cursors().at("engine-1-0"), (LogCursor{2, 2})) << "not asked for again";
  append(web(), {"after"}, 3);
  append(web(1), {"known now"}, 3);
  const std::vector<std::string> expected{
      "1 web.1 before", "2 platform 3 lines were not kept here, for the Service could not write them to its disk",
      "3 web.1 after", "4 web.2 known now"};
  EXPECT_EQ(tail(), expected);
  reopen();
  EXPECT_EQ(tail(), expected);
  EXPECT_EQ(store->project(project)->cursors().at("engine-1-0"), (LogCursor{3, 1}));
}

TEST_F(LogStoreTest, RemovesAProjectForGood) {
  append(web(), {"a"});
  const auto held = store->project(project);
  store->remove(project);
  EXPECT_FALSE(std::filesystem::exists(folder()));
  const LogEntry late{1, false, "late"};
  EXPECT_EQ(held->append(web(), {&late, 1}, kNow), 0u);
  EXPECT_EQ(store->project(project), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder()));
  EXPECT_EQ(store->project("../../etc"), nullptr);
}

TEST_F(LogStoreTest, HoldsABoundedNumberOfProjectsOpen) {
  limits.open_projects = 8;
  reopen();
  std::vector<std::string> projects;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 50; ++i) {
      if (round == 0) projects.push_back(new_uuid());
      project = projects[static_cast<std::size_t>(i)];
      append(web(), {fmt::format("round {}", round)});
      EXPECT_LE(store->open_projects().size(), 8u);
    }
  for (const std::string& each : projects) {
    project = each;
    EXPECT_THAT(tail(), ElementsAre("1 web.1 round 0", "2 web.1 round 1"));
  }
}

TEST_F(LogStoreTest, AFollowerGoesOnWhereItWasWhateverHappensToTheSegments) {
  limits.segment_bytes = 4 << 10;
  limits.project_bytes = 16 << 10;
  reopen();
  std::vector<std::uint64_t> seen;
  LogFollower follower({}, [&](const LogLine& line, std::string&) { seen.push_back(line.sequence); }, {});
  std::uint64_t missed = 0;
  for (int i = 0; i < 600; ++i) {
    append(web(), {std::string(100, 'x')});
    if (i % 200 > 100) continue;  // it sleeps, also longer than the store keeps lines
    for (bool more = true; more;) {
      const LogFollower::Piece piece = follower.step(*store->project(project), 3);
      more = piece.more;
      missed += piece.missed;
      EXPECT_LE(piece.lines, 3u);
    }
    if (i % 50 == 0) reopen();
  }
  EXPECT_EQ(seen.size() + missed, 501u) << "all until it slept last";
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
}

TEST_F(LogStoreTest, ACursorOfBeforeAPowerLossGoesOnWithWhatIsThere) {
  append(web(), {"a", "b"});
  LogFollower follower({}, render, {.sequence = 99});
  EXPECT_EQ(follower.step(*store->project(project)).text, "");
  append(web(), {"c"});
  EXPECT_EQ(follower.step(*store->project(project)).text, "3 web.1 c");
}

}  // namespace
}  // namespace paastech::logs
