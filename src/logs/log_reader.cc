#include "logs/log_reader.h"

#include "logs/log_record.h"

namespace paastech::logs {
namespace {
constexpr std::size_t kTextBytes = 256 << 10;  // of a piece's rendered text, about
}

TailReader::TailReader(ProjectLog& log, LogFilter filter, LogRender render, std::size_t lines, std::size_t bytes)
    : filter_(std::move(filter)),
      render_(std::move(render)),
      wanted_(lines),
      room_(bytes),
      end_(log.end()),
      at_(end_) {}

// False: there is no room for more.
bool TailReader::take(std::vector<std::string> found) {
  for (; !found.empty(); found.pop_back()) {
    const std::size_t size = found.back().size();
    if (size > room_ && !lines_.empty()) return false;
    lines_.push_front(std::move(found.back()));
    room_ -= std::min(size, room_);
    if (lines_.size() == wanted_) return false;
  }
  return true;
}

bool TailReader::step(ProjectLog& log) {
  if (lines_.size() >= wanted_) return false;
  const std::optional<LogPiece> piece = log.before(at_, filter_.since_ns());
  if (!piece) return false;
  const std::string bytes = piece->file->read(piece->offset, piece->bytes);
  std::vector<std::string> found;
  std::string_view rest = bytes;
  while (const auto payload = record_at(rest, false)) {
    rest.remove_prefix(kRecordHead + payload->size());
    if (kind_of(*payload) != RecordKind::kLines) continue;
    for_each_line(*payload, piece->segment, *piece->sources, [&](const LogLine& line) {
      if (filter_.takes(line)) render_(line, found.emplace_back());
    });
  }
  return take(std::move(found));
}

// False where the text is long enough, or has all the lines that were asked for: then the record may not be done.
bool LogFollower::take(std::string_view payload, const LogPiece& piece, std::size_t most_lines, Piece& out) {
  bool whole = true;
  for_each_line(payload, piece.segment, *piece.sources, [&](const LogLine& line) {
    whole = whole && out.lines < most_lines;
    if (!whole || line.sequence <= at_.sequence) return;
    at_.sequence = line.sequence;
    if (!filter_.takes(line)) return;
    render_(line, out.text);
    ++out.lines;
  });
  if (whole) at_.offset += kRecordHead + payload.size();
  return whole && out.text.size() < kTextBytes;
}

LogFollower::Piece LogFollower::step(ProjectLog& log, std::size_t most_lines) {
  Piece out;
  const std::optional<LogPiece> piece = log.next(at_, out.missed);
  if (!piece) return out;
  out.more = true;
  const std::string bytes = piece->file->read(at_.offset, piece->bytes);
  const std::uint64_t began = at_.offset;
  std::string_view rest = bytes;
  bool some = false;
  while (const auto payload = record_at(rest, false)) {
    some = true;
    rest.remove_prefix(kRecordHead + payload->size());
    if (kind_of(*payload) != RecordKind::kLines) {
      at_.offset += kRecordHead + payload->size();
    } else if (!take(*payload, *piece, most_lines, out)) {
      return out;
    }
  }
  if (!some) at_.offset = began + piece->bytes;  // a damaged stretch: there is no way to what follows but past it
  return out;
}

}  // namespace paastech::logs
