// Whatever is appended, wherever the file is cut off: what was kept before the cut is there, once and in order, and
// each Instance's cursor is that of its last line that is there, so that asking the Engine again doubles and loses
// nothing.
#include <fcntl.h>

#include <random>

#include "logs/log_test_support.h"

namespace paastech::logs {
namespace {

struct Written {
  std::string engine_id;
  std::int64_t at_ns = 0;
  std::string text;
  bool operator==(const Written&) const = default;
};

// An Engine that remembers what its Instances have said, and gives it again from a cursor on.
class Said {
 public:
  explicit Said(std::mt19937_64& random) : random_(random) {}
  void speak(int instance) {
    std::vector<Written>& all = by_instance_[instance];
    const std::int64_t before = all.empty() ? 1'000 : all.back().at_ns;
    const bool same_time = random_() % 4 == 0;
    const std::size_t size = random_() % 40 == 0 ? random_() % 70'000 : random_() % 200;
    all.push_back({web(instance).engine_id, before + (same_time ? 0 : 1 + static_cast<std::int64_t>(random_() % 5'000)),
                   fmt::format("{} {}", all.size(), std::string(size, 'x')).substr(0, kMaxLineBytes)});
  }
  std::vector<Written> from(int instance, LogCursor cursor) const {
    std::vector<Written> rest;
    std::int32_t skip = cursor.lines_at;
    const auto found = by_instance_.find(instance);
    if (found == by_instance_.end()) return rest;
    for (const Written& line : found->second) {
      if (line.at_ns < cursor.at_ns || (line.at_ns == cursor.at_ns && skip-- > 0)) continue;
      rest.push_back(line);
    }
    return rest;
  }
  const std::vector<Written>& all(int instance) { return by_instance_[instance]; }

 private:
  std::mt19937_64& random_;
  std::map<int, std::vector<Written>> by_instance_;
};

constexpr int kInstances = 3;

bool starts_with(const std::vector<Written>& all, const std::vector<Written>& beginning) {
  if (beginning.size() > all.size()) return false;
  const auto differ = std::mismatch(beginning.begin(), beginning.end(), all.begin());
  if (differ.first == beginning.end()) return true;
  const auto show = [](const Written& line) {
    return fmt::format("{} {} {}", line.engine_id, line.at_ns, line.text.substr(0, 20));
  };
  ADD_FAILURE() << "line " << differ.first - beginning.begin() << " is " << show(*differ.second) << ", was "
                << show(*differ.first);
  return false;
}

struct LogProperty : LogStoreTest, testing::WithParamInterface<int> {
  void gather(const Said& said, std::mt19937_64& random) {
    for (int instance = 0; instance < kInstances; ++instance) {
      const auto cursors = store->project(project)->cursors();
      const auto cursor = cursors.find(web(instance).engine_id);
      std::vector<Written> rest = said.from(instance, cursor == cursors.end() ? LogCursor() : cursor->second);
      if (rest.size() > 1) rest.resize(1 + random() % rest.size());  // a batch is not all there is
      std::vector<LogEntry> entries;
      for (const Written& line : rest) entries.push_back({line.at_ns, false, line.text});
      store->project(project)->append(web(instance), entries, now_ms);
    }
  }
  // In the newest file, what does not stand at its beginning.
  std::uint64_t bytes_of_lines() const {
    std::vector<LogSegment> segments = list_segments(folder());
    if (segments.empty()) return 0;
    LogSegment& newest = segments.back();
    const auto file = LogFile::open(newest.path, O_RDONLY);
    EXPECT_TRUE(file && newest.scan(**file));
    return newest.blocks.empty() ? 0 : newest.size - newest.blocks.front().offset;
  }
  std::vector<Written> kept() {
    std::vector<Written> out;
    const auto collect = [&](const LogLine& line, std::string&) {
      out.push_back({line.source->engine_id, line.at_ns, std::string(line.text)});
    };
    LogFollower follower({}, collect, {});
    while (follower.step(*store->project(project)).more) {
    }
    return out;
  }
};

TEST_P(LogProperty, NothingKeptBeforeACutIsLostAndNothingIsDoubled) {
  const auto seed = static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed()) * 1'000 +
                    static_cast<std::uint64_t>(GetParam());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  limits.segment_bytes = 32 << 10;
  limits.project_bytes = 64 << 20;
  reopen();
  Said said(random);
  for (int step = 0; step < 80; ++step) {
    for (auto lines = random() % 8; lines > 0; --lines) said.speak(static_cast<int>(random() % kInstances));
    const std::vector<Written> before = kept();
    gather(said, random);
    if (random() % 3 != 0) continue;
    const std::vector<Written> after = kept();
    ASSERT_TRUE(starts_with(after, before)) << "step " << step;
    // A kill leaves the file as it is or in the middle of the last write; a power loss may take more, but not what a
    // segment begins with.
    const std::uint64_t most = random() % 4 == 0 ? SIZE_MAX : 20;
    const std::uint64_t unsure = std::min(most, bytes_of_lines());
    const std::uint64_t cut = unsure == 0 || random() % 2 == 0 ? 0 : random() % unsure;
    if (cut > 0) std::filesystem::resize_file(files().back(), std::filesystem::file_size(files().back()) - cut);
    reopen();
    const std::vector<Written> now = kept();
    ASSERT_TRUE(starts_with(after, now)) << "what is there is the beginning of what was";
    if (cut == 0) {
      ASSERT_EQ(now.size(), after.size());
    }
  }
  // The Engine has it all: after gathering to the end each Instance's lines are there once, in order.
  for (std::size_t last = 0; last != kept().size();) {
    last = kept().size();
    gather(said, random);
  }
  const std::vector<Written> all = kept();
  for (int instance = 0; instance < kInstances; ++instance) {
    std::vector<Written> mine;
    for (const Written& line : all)
      if (line.engine_id == web(instance).engine_id) mine.push_back(line);
    ASSERT_EQ(mine.size(), said.all(instance).size());
    ASSERT_TRUE(mine == said.all(instance));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogProperty, testing::Range(0, 20));

}  // namespace
}  // namespace paastech::logs
