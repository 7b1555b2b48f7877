#pragma once
// The lines of one Project: segments under <home>/logs/<project>/lines/, the newest of which grows. Opened on first
// use. Thread: any; the calls block, one at a time, for no longer than a piece takes (reading a piece is up to its
// reader).
//
// What survives: after kill -9 all that append() returned from, for it is in the page cache. After power loss what the
// kernel had written by itself, as a rule all but the last 30 s; a segment that is full is flushed. Half a record at
// the end is cut off on opening. How far each Instance was read follows from the very records that hold its lines, so
// what is lost here is asked for again where the Engine still has it, and nothing is there twice. A full disk: lines
// are dropped and counted; once there is room again a line of process `platform` says how many.
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "logs/log_segment.h"

namespace paastech::logs {

struct LogLimits {
  std::uint64_t segment_bytes = 4 << 20;
  std::uint64_t project_bytes = 64 << 20;       // over it the oldest segments go
  std::int64_t age_ms = 14LL * 24 * 3'600'000;  // so old segments go
  std::int64_t segment_ms = 24LL * 3'600'000;   // a new one is begun after this time, so that the old one can go
  std::int64_t forget_ms = 24LL * 3'600'000;    // the cursor of an Instance that is gone for so long
  std::size_t open_projects = 256;              // a file and some KiB each
};

// Bytes to read: whole records from `offset` on, the last one perhaps cut.
struct LogPiece {
  std::shared_ptr<const LogFile> file;
  std::shared_ptr<const LogSources> sources;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

class ProjectLog {
 public:
  ProjectLog(std::filesystem::path folder, LogLimits limits) : folder_(std::move(folder)), limits_(limits) {}

  // How many of the entries were kept: all or none.
  std::size_t append(const LogSource& source, std::span<const LogEntry> entries, std::int64_t now_ms);
  std::map<std::string, LogCursor> cursors();  // by engine id
  // The Instances that the Engine has. The cursors of others are forgotten once they were gone for a day.
  void keep_cursors(const std::set<std::string>& engine_ids, std::int64_t now_ms);
  void expire(std::int64_t now_ms);
  void remove();  // for good: later lines are not kept

  LogPosition end();
  // What comes after the position, which moves to its beginning; no bytes: nothing yet. missed: how many lines between
  // the two are gone.
  std::optional<LogPiece> next(LogPosition& position, std::uint64_t& missed);
  // A stretch that ends at the position, which moves to its beginning; nothing: there is no earlier one. Stretches that
  // hold nothing as young as since_ns are passed over.
  std::optional<LogPiece> before(LogPosition& position, std::int64_t since_ns);

 private:
  struct Known {
    LogSource source;
    LogCursor cursor;
    std::int64_t gone_since_ms = 0;
    std::optional<std::uint64_t> number = {};  // in the newest segment
    bool stale = false;                        // the file does not know the cursor
  };
  using Key = std::pair<std::string, std::string>;  // engine id, or process and Deployment
  // Records on their way into the newest segment.
  struct Batch {
    std::string out = {};
    std::uint64_t next_sequence = 0;
    std::uint64_t next_number = 0;
  };
  static Key key_of(const LogSource& source);
  bool open();
  void take_over(const LogSegment& segment);
  bool needs_segment(std::int64_t now_ms) const;
  bool begin_segment(std::int64_t now_ms);
  std::string carried_sources(std::int64_t now_ms);
  void drop_old(std::int64_t now_ms);
  void add(Batch& batch, const LogSource& source, std::span<const LogEntry> entries);
  void add_dropped_line(Batch& batch, std::int64_t now_ms);
  void note_all(std::string_view records);
  void drop(const LogSource& source, std::span<const LogEntry> entries, const std::string& why);
  LogSegment* begun_at(std::uint64_t first_sequence);
  void locate(LogPosition& position, std::uint64_t& missed);
  std::optional<LogPiece> piece(LogSegment& segment, std::uint64_t offset, std::uint64_t bytes) const;
  static void know(LogSegment& segment);

  std::mutex mutex_;
  std::filesystem::path folder_;
  LogLimits limits_;
  bool opened_ = false;
  bool removed_ = false;
  bool complained_ = false;
  std::vector<LogSegment> segments_;       // oldest first
  std::shared_ptr<const LogFile> newest_;  // of segments_.back()
  std::int64_t begun_ms_ = 0;              // it was
  std::map<Key, Known> known_;
  std::uint64_t dropped_ = 0;
};

}  // namespace paastech::logs
