#pragma once
// The form of a segment of the log store. A segment begins with kSegmentHead; then come records: length and
// CRC-32 (zlib's) of the payload, 4 bytes little-endian each, and the payload, which starts with its kind:
//   source  number, deployment, at_ns and lines_at of its cursor, process, instance, engine id. Numbers count from 0 in
//           each segment; the same number again only moves the cursor.
//   lines   number of the source, sequence of the first line less that of the segment, count, at_ns; then for each line
//           at_ns less the one before, length × 2 + stream, text.
// Numbers are varints, the signed ones zigzag (as in protocol buffers). Pure.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "logs/log_line.h"

namespace paastech::logs {

inline constexpr std::string_view kSegmentHead = "paastech log v1\n";
inline constexpr std::size_t kRecordHead = 8;
inline constexpr std::size_t kRecordBytes = 64 << 10;  // of text that go into one record, and the line after it
inline constexpr std::size_t kMaxRecord = kRecordHead + (256 << 10);  // what no record reaches

enum class RecordKind : unsigned char { kSource = 1, kLines = 2 };

// Reads a payload; where it does not hold what is asked for, `ok` is false from then on and zeros come.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : rest_(payload) {}
  std::uint64_t number();
  std::int64_t signed_number();
  std::string_view text(std::uint64_t size);
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void add_source_record(std::string& out, std::uint64_t number, const LogSource& source, LogCursor cursor);
// As many of the entries as one record takes, at least one; how many. They get the sequences from `ahead` on, counted
// from the segment's first.
std::size_t add_lines_record(std::string& out, std::uint64_t source, std::uint64_t ahead,
                             std::span<const LogEntry> entries);

// The payload of the record at the front; nothing where it is not whole, or, with verify, its checksum is wrong.
std::optional<std::string_view> record_at(std::string_view bytes, bool verify);
inline RecordKind kind_of(std::string_view payload) { return static_cast<RecordKind>(payload.front()); }

struct SourceRecord {
  std::uint64_t number = 0;
  LogSource source;
  LogCursor cursor;
};
std::optional<SourceRecord> read_source(std::string_view payload);

// Calls see(line) for each; false where the payload is damaged. first: of the segment.
template <class See>
bool for_each_line(std::string_view payload, std::uint64_t first, const LogSources& sources, See&& see) {
  PayloadReader reader(payload.substr(1));
  const std::uint64_t number = reader.number();
  LogLine line;
  line.sequence = first + reader.number();
  const std::uint64_t count = reader.number();
  line.at_ns = reader.signed_number();
  if (!reader.ok() || number >= sources.size()) return false;
  line.source = &sources[number];
  for (std::uint64_t i = 0; i < count; ++i, ++line.sequence) {
    line.at_ns += reader.signed_number();
    const std::uint64_t head = reader.number();
    line.error_stream = (head & 1) != 0;
    line.text = reader.text(head >> 1);
    if (!reader.ok()) return false;
    see(static_cast<const LogLine&>(line));
  }
  return true;
}

// How far a source is read once this line was, after `cursor`.
inline void advance(LogCursor& cursor, std::int64_t at_ns) {
  cursor.lines_at = at_ns == cursor.at_ns ? cursor.lines_at + 1 : 1;
  cursor.at_ns = at_ns;
}

}  // namespace paastech::logs
