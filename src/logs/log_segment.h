#pragma once
// One file of a Project's log store, and what is known of it in memory: where which lines are. Thread: one at a time;
// the calls block. The form of the file: log_record.h.
#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "logs/log_line.h"

namespace paastech::logs {

// An open file; readers share it, so that it can be read on while it is deleted. Thread: any.
class LogFile {
 public:
  explicit LogFile(int fd) : fd_(fd) {}
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  static Result<std::shared_ptr<const LogFile>> open(const std::filesystem::path& path, int flags);
  std::string read(std::uint64_t offset, std::size_t bytes) const;  // fewer at the end or where reading fails
  // Appends nothing where it cannot append all: what a full disk took of it is cut off again. `end`: where it goes.
  Status append(std::string_view bytes, std::uint64_t end) const;
  void cut(std::uint64_t size) const;
  void flush() const;  // fsync

 private:
  int fd_;
};

// The sparse index: a stretch of about 64 KiB that begins with a whole record.
struct LogBlock {
  std::uint64_t offset = 0;
  std::uint64_t first_sequence = 0;  // of the first line in it
  std::int64_t newest_ns = 0;        // of the lines in it
};

struct LogSegment {
  std::filesystem::path path;
  std::uint64_t first_sequence = 1;
  std::uint64_t next_sequence = 1;  // after its last line
  std::uint64_t size = 0;           // of the file, whole records
  std::int64_t written_ms = 0;      // last
  // Known once it was scanned or is written by us:
  bool known = false;
  std::vector<LogBlock> blocks = {};
  std::shared_ptr<const LogSources> sources = std::make_shared<LogSources>();
  std::vector<LogCursor> cursors = {};  // of the sources

  // Notes a record that stands at `offset`; false where its payload makes no sense.
  bool note(std::uint64_t offset, std::string_view payload);
  // Reads it from the beginning and checks every record; `size` is then where the whole ones end. False: it has not
  // even a head.
  bool scan(const LogFile& file);
};

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t first_sequence);
// Of a folder, oldest first, not scanned; other files are left alone.
std::vector<LogSegment> list_segments(const std::filesystem::path& folder);
// The entry of a new file, made durable.
void flush_folder(const std::filesystem::path& folder);

}  // namespace paastech::logs
