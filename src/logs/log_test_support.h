#pragma once
// For tests: stores in a folder of their own, small enough to fill.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/ids.h"
#include "logs/log_reader.h"
#include "logs/log_store.h"

namespace paastech::logs {

inline const std::int64_t kNow = SystemClock().now_ms();  // as the times of the files
inline constexpr std::int64_t kSecond = 1'000'000'000;    // ns
inline constexpr std::int64_t kDay = 24LL * 3'600'000;    // ms

inline LogSource web(int index = 0, std::int64_t deployment = 1) {
  return {"web", fmt::format("web.{}", index + 1), deployment, fmt::format("engine-{}-{}", deployment, index)};
}

struct LogStoreTest : testing::Test {
  std::filesystem::path home = std::filesystem::temp_directory_path() / ("paastech-lines-" + new_uuid());
  std::string project = new_uuid();
  LogLimits limits = {};
  std::unique_ptr<LogStore> store = std::make_unique<LogStore>(home);
  std::int64_t now_ms = kNow;

  void TearDown() override { std::filesystem::remove_all(home); }
  // As kill -9 and a new start would have it.
  void reopen() { store = std::make_unique<LogStore>(home, limits); }
  std::filesystem::path folder() const { return home / "logs" / project / "lines"; }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const LogSegment& segment : list_segments(folder())) out.push_back(segment.path);
    return out;
  }

  std::size_t append(const LogSource& source, const std::vector<std::string>& texts, std::int64_t at_ns = 0) {
    std::vector<LogEntry> entries;
    for (const std::string& text : texts)
      entries.push_back(
          {at_ns != 0 ? at_ns : now_ms * 1'000'000 + static_cast<std::int64_t>(entries.size()), false, text});
    return store->project(project)->append(source, entries, now_ms);
  }
  static std::string shown(const LogLine& line) {
    return fmt::format("{} {} {}", line.sequence, line.source->instance, line.text);
  }
  static void render(const LogLine& line, std::string& out) { out += shown(line); }

  std::vector<std::string> tail(std::size_t lines = 100, LogFilter filter = {}, std::size_t bytes = 1 << 20) {
    const std::shared_ptr<ProjectLog> log = store->project(project);
    TailReader reader(*log, std::move(filter), render, lines, bytes);
    while (reader.step(*log)) {
    }
    return {reader.lines().begin(), reader.lines().end()};
  }
  // All that comes after the sequence, and how many are told to be missing.
  std::vector<std::string> after(std::uint64_t sequence, std::uint64_t* missed = nullptr) {
    std::vector<std::string> out;
    const auto collect = [&](const LogLine& line, std::string&) { out.push_back(shown(line)); };
    LogFollower follower({}, collect, {.sequence = sequence});
    for (bool more = true; more;) {
      const LogFollower::Piece piece = follower.step(*store->project(project));
      more = piece.more;
      if (missed) *missed += piece.missed;
    }
    return out;
  }
};

}  // namespace paastech::logs
