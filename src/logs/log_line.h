#pragma once
// What the log store keeps: lines, who wrote them, and how far each Instance was read. Values; safe between threads.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paastech::logs {

// Who writes; the same for all lines of a batch. Of our own lines the process is build, release or platform, the
// instance is named like it, and engine_id is empty.
struct LogSource {
  std::string process;   // "web"
  std::string instance;  // "web.1"
  std::int64_t deployment = 0;
  std::string engine_id = {};  // of the Instance's container
  bool operator==(const LogSource&) const = default;
};
using LogSources = std::vector<LogSource>;

// A line on its way in. text has no newline.
struct LogEntry {
  std::int64_t at_ns = 0;  // since 1970, by the Engine's clock
  bool error_stream = false;
  std::string_view text;
};

// A kept line, as a reader sees it: valid during the call that it is given to.
struct LogLine {
  std::uint64_t sequence = 0;  // of the Project: 1, 2, 3 … in the order of arrival
  std::int64_t at_ns = 0;
  bool error_stream = false;
  const LogSource* source = nullptr;
  std::string_view text;
};

// How far an Instance's output was read: up to the lines_at-th line of the time at_ns (proto/pomegranate.proto).
struct LogCursor {
  std::int64_t at_ns = 0;
  std::int32_t lines_at = 0;
  bool operator==(const LogCursor&) const = default;
};

// A place in a Project's lines. sequence is that of the last line before it and says all; the rest finds it faster and
// is not kept by anybody for longer than the Service runs.
struct LogPosition {
  std::uint64_t sequence = 0;
  std::uint64_t segment = 0;  // its first sequence; 0: not known
  std::uint64_t offset = 0;
};

inline constexpr std::size_t kMaxLineBytes = 64 << 10;  // of text; a longer line is cut, with a mark

}  // namespace paastech::logs
