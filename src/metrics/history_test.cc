#include "metrics/history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/ids.h"

namespace paastech::metrics {
namespace {

constexpr std::int64_t kBegin = 180'000'000;  // of 10 s, and of 5 min too

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() { std::filesystem::create_directories(home_); }
  ~HistoryTest() override { std::filesystem::remove_all(home_); }
  static Sample sample(std::int64_t slot, std::uint32_t answers = 1) {
    Sample out;
    out.slot = slot;
    out.engine_ms = out.router_ms = 10'000;
    out.by_class[1] = answers;
    return out;
  }
  void add(const Sample& what, const std::string& process = "web") {
    const Status added = history_.add(project_, process, what);
    ASSERT_TRUE(added) << added.error().message;
  }
  std::filesystem::path file() const { return home_ / "metrics" / project_ / "web.ring"; }

  const std::filesystem::path home_ = std::filesystem::temp_directory_path() / ("paastech-metrics-" + new_uuid());
  const History history_{home_};
  const std::string project_ = new_uuid();
};

TEST_F(HistoryTest, KeepsTheLastHourAndAggregatesIt) {
  for (std::int64_t i = 0; i < kFineCount + 40; ++i) add(sample(kBegin + i, 2));
  const auto all = history_.read(project_, "web", Range::kHour, kBegin, kFineCount);
  for (std::int64_t i = 0; i < kFineCount; ++i)
    EXPECT_EQ(all[static_cast<std::size_t>(i)].slot, i < 40 ? 0 : kBegin + i) << "what is old was overwritten";
  EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin + 40, kFineCount).back(), sample(kBegin + 399, 2));
  const auto coarse = history_.read(project_, "web", Range::kWeek, kBegin / kFineInCoarse, 14);
  EXPECT_EQ(coarse[0].by_class[1], 60U);
  EXPECT_EQ(coarse[0].engine_ms, 300'000U);
  EXPECT_EQ(coarse[13].by_class[1], 20U) << "of what there is of it";
  EXPECT_EQ(coarse[13].engine_ms, 100'000U);
}

TEST_F(HistoryTest, ShowsGapsAsGaps) {
  add(sample(kBegin));
  add(sample(kBegin + 2));
  const auto read = history_.read(project_, "web", Range::kHour, kBegin, 3);
  EXPECT_EQ(read[1], Sample());
  EXPECT_EQ(history_.read(project_, "web", Range::kWeek, kBegin / kFineInCoarse, 1)[0].engine_ms, 20'000U);
  EXPECT_EQ(history_.read(project_, "worker", Range::kHour, kBegin, 3), std::vector<Sample>(3));
  EXPECT_EQ(history_.read(new_uuid(), "web", Range::kHour, kBegin, 3), std::vector<Sample>(3));
}

TEST_F(HistoryTest, IsBoundedHoweverLongItIsWritten) {
  add(sample(kBegin));
  const auto size = std::filesystem::file_size(file());
  EXPECT_LT(size, 450'000U);
  for (std::int64_t week = 1; week < 40; ++week) add(sample(kBegin + week * 60'480));
  EXPECT_EQ(std::filesystem::file_size(file()), size);
  struct stat info{};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_LE(static_cast<std::uintmax_t>(info.st_blocks) * 512, size + 8192);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(HistoryTest, BeginsAnewBesideAFileThatIsNotOurs) {
  const std::vector<std::string> foreign{"x", std::string(1'000'000, 'x'), std::string(64, '\0')};
  for (const std::string& content : foreign) {
    std::filesystem::create_directories(file().parent_path());
    std::ofstream(file(), std::ios::trunc) << content;
    EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin, 1)[0], Sample());
    add(sample(kBegin));
    EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin, 1)[0], sample(kBegin));
    EXPECT_EQ(std::filesystem::file_size(file().parent_path() / "web.damaged"), content.size());
  }
  add(sample(kBegin + 1));
  EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin, 1)[0], sample(kBegin)) << "ours is gone on with";
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 1);
  add(sample(kBegin + 2));
  EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin, 1)[0], Sample()) << "cut off";
}

TEST_F(HistoryTest, TakesATornRecordForAGap) {
  add(sample(kBegin));
  add(sample(kBegin + 1));
  {
    std::fstream torn(file(), std::ios::in | std::ios::out | std::ios::binary);
    torn.seekp(64 + (kBegin % kFineCount) * 184 + 100);
    torn.put('\x7f');
  }
  EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin, 1)[0], Sample());
  EXPECT_EQ(history_.read(project_, "web", Range::kHour, kBegin + 1, 1)[0], sample(kBegin + 1));
}

TEST_F(HistoryTest, NamesLeadNowhereElse) {
  const std::string long_name(31, 'a');
  for (const std::string& name : std::vector<std::string>{"", "..", "../x", "a/b", "Web", "a.b", "web\n", long_name})
    EXPECT_FALSE(history_.add(project_, name, sample(kBegin))) << name;
  EXPECT_FALSE(history_.add("../" + project_, "web", sample(kBegin)));
  EXPECT_FALSE(std::filesystem::exists(home_ / "metrics"));
  history_.remove("..");
  EXPECT_TRUE(std::filesystem::exists(home_));
}

TEST_F(HistoryTest, ListsRemovesAndSweeps) {
  add(sample(kBegin));
  add(sample(kBegin), "worker");
  EXPECT_EQ(history_.processes(project_), (std::vector<std::string>{"web", "worker"}));
  EXPECT_EQ(history_.projects(), std::vector{project_});
  const auto week_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(7 * 24 + 1);
  std::filesystem::last_write_time(file(), week_ago);
  history_.sweep(7 * 86'400);
  EXPECT_EQ(history_.processes(project_), std::vector<std::string>{"worker"});
  history_.remove(project_);
  EXPECT_TRUE(history_.projects().empty());
  EXPECT_TRUE(history_.processes(project_).empty());
}

}  // namespace
}  // namespace paastech::metrics
