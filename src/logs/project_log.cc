#include "logs/project_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "logs/log_record.h"

namespace paastech::logs {
namespace {

constexpr std::size_t kPieceBytes = kMaxRecord;  // read at once, forwards: any record fits
constexpr std::size_t kCarried = 1'000;          // cursors in a new segment; beyond, those that are gone stay behind
// A segment that was not written for so long before the time asked for has nothing as young, whatever the clocks.
constexpr std::int64_t kClockSlackMs = 3'600'000;

}  // namespace

ProjectLog::Key ProjectLog::key_of(const LogSource& source) {
  if (!source.engine_id.empty()) return {source.engine_id, {}};
  return {{}, fmt::format("{} {}", source.process, source.deployment)};
}

// ---- writing

void ProjectLog::take_over(const LogSegment& segment) {
  known_.clear();
  for (std::size_t i = 0; i < segment.sources->size(); ++i) {
    const LogSource& source = (*segment.sources)[i];
    known_[key_of(source)] = {.source = source, .cursor = segment.cursors[i], .number = i};
  }
  begun_ms_ = segment.blocks.empty() ? segment.written_ms : segment.blocks.front().newest_ns / 1'000'000;
}

bool ProjectLog::open() {
  if (removed_) return false;
  if (opened_) return true;
  segments_ = list_segments(folder_);
  while (!segments_.empty()) {
    LogSegment& last = segments_.back();
    auto file = LogFile::open(last.path, O_RDWR);
    if (!file) {
      spdlog::warn("{}", file.error().message);
      return false;
    }
    const std::uint64_t size = last.size;
    if (last.scan(**file)) {
      if (last.size < size) (*file)->cut(last.size);
      newest_ = *file;
      take_over(last);
      break;
    }
    std::error_code ignored;  // not one of ours, or damaged at its very head
    std::filesystem::remove(last.path, ignored);
    segments_.pop_back();
  }
  opened_ = true;
  return true;
}

bool ProjectLog::needs_segment(std::int64_t now_ms) const {
  if (segments_.empty()) return true;
  const LogSegment& last = segments_.back();
  if (last.next_sequence == last.first_sequence) return false;
  return last.size >= limits_.segment_bytes || now_ms - begun_ms_ >= limits_.segment_ms;
}

// The records that a new segment begins with: how far each Instance was read, so that older segments may go.
std::string ProjectLog::carried_sources(std::int64_t now_ms) {
  const bool many = known_.size() > kCarried;
  std::erase_if(known_, [&](const auto& entry) {
    const Known& known = entry.second;
    const bool gone = known.gone_since_ms != 0 && (many || now_ms - known.gone_since_ms >= limits_.forget_ms);
    return gone || known.source.engine_id.empty();
  });
  std::string records;
  std::uint64_t number = 0;
  for (auto& [key, known] : known_) {
    add_source_record(records, number, known.source, known.cursor);
    known.number = number++;
    known.stale = false;
  }
  return records;
}

// Made under another name and flushed, so that it is there with all cursors or not at all.
bool ProjectLog::begin_segment(std::int64_t now_ms) {
  const std::uint64_t first = segments_.empty() ? 1 : segments_.back().next_sequence;
  LogSegment fresh{.path = segment_path(folder_, first), .first_sequence = first, .next_sequence = first};
  const std::filesystem::path made = folder_ / "new";
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  const auto file = LogFile::open(made, O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return false;
  const std::map<Key, Known> before = known_;
  const std::string records = carried_sources(now_ms);
  const bool written = (*file)->append(std::string(kSegmentHead) + records, 0).has_value();
  if (written) {
    if (newest_) newest_->flush();
    (*file)->flush();
    std::filesystem::rename(made, fresh.path, failed);
  }
  if (!written || failed) {
    known_ = before;
    std::filesystem::remove(made, failed);
    return false;
  }
  flush_folder(folder_);
  newest_ = *file;
  fresh.known = true;
  fresh.size = kSegmentHead.size();
  fresh.written_ms = begun_ms_ = now_ms;
  segments_.push_back(std::move(fresh));
  note_all(records);
  drop_old(now_ms);
  return true;
}

void ProjectLog::drop_old(std::int64_t now_ms) {
  std::uint64_t bytes = 0;
  for (const LogSegment& segment : segments_) bytes += segment.size;
  while (segments_.size() > 1) {
    const LogSegment& oldest = segments_.front();
    const bool too_old = now_ms - oldest.written_ms >= limits_.age_ms;
    if (!too_old && bytes + limits_.segment_bytes <= limits_.project_bytes) break;
    bytes -= oldest.size;
    std::error_code ignored;
    std::filesystem::remove(oldest.path, ignored);
    segments_.erase(segments_.begin());
  }
}

void ProjectLog::add(Batch& batch, const LogSource& source, std::span<const LogEntry> entries) {
  Known& known = known_[key_of(source)];
  known.source = source;
  known.gone_since_ms = 0;
  if (!known.number || known.stale) {
    if (!known.number) known.number = batch.next_number++;
    add_source_record(batch.out, *known.number, source, known.cursor);
    known.stale = false;
  }
  const std::uint64_t first = segments_.back().first_sequence;
  while (!entries.empty()) {
    const std::size_t taken = add_lines_record(batch.out, *known.number, batch.next_sequence - first, entries);
    batch.next_sequence += taken;
    entries = entries.subspan(taken);
  }
}

void ProjectLog::add_dropped_line(Batch& batch, std::int64_t now_ms) {
  const std::string text =
      fmt::format("{} lines were not kept here, for the Service could not write them to its disk", dropped_);
  const LogEntry entry{now_ms * 1'000'000, true, text};
  add(batch, {.process = "platform", .instance = "platform"}, {&entry, 1});
}

void ProjectLog::note_all(std::string_view records) {
  LogSegment& last = segments_.back();
  while (const auto payload = record_at(records, false)) {
    last.note(last.size, *payload);
    records.remove_prefix(kRecordHead + payload->size());
  }
}

// They count as read: asking the Engine for them again and again would help nobody.
void ProjectLog::drop(const LogSource& source, std::span<const LogEntry> entries, const std::string& why) {
  dropped_ += entries.size();
  const std::uint64_t numbers = segments_.empty() ? 0 : segments_.back().sources->size();
  for (auto& [key, known] : known_)
    if (known.number && *known.number >= numbers) known.number.reset();
  Known& known = known_[key_of(source)];
  known.source = source;
  for (const LogEntry& entry : entries) advance(known.cursor, entry.at_ns);
  known.stale = true;
  if (!std::exchange(complained_, true)) spdlog::warn("lines for {} are not kept: {}", folder_.string(), why);
}

std::size_t ProjectLog::append(const LogSource& source, std::span<const LogEntry> entries, std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  if (removed_ || entries.empty()) return 0;
  const bool opened = open();
  // Where no new one can be made the old one grows on.
  if (!opened || (needs_segment(now_ms) && !begin_segment(now_ms) && segments_.empty())) {
    drop(source, entries, "no file can be made or opened");
    return 0;
  }
  LogSegment& last = segments_.back();
  Batch batch{.next_sequence = last.next_sequence, .next_number = last.sources->size()};
  if (dropped_ > 0) add_dropped_line(batch, now_ms);
  add(batch, source, entries);
  const Status written = newest_->append(batch.out, last.size);
  if (!written) {
    drop(source, entries, written.error().message);
    return 0;
  }
  note_all(batch.out);
  last.written_ms = now_ms;
  Known& known = known_[key_of(source)];
  known.cursor = last.cursors[*known.number];
  dropped_ = 0;
  complained_ = false;
  return entries.size();
}

std::map<std::string, LogCursor> ProjectLog::cursors() {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, LogCursor> out;
  if (!open()) return out;
  for (const auto& [key, known] : known_)
    if (!known.source.engine_id.empty() && known.cursor.lines_at > 0) out[known.source.engine_id] = known.cursor;
  return out;
}

void ProjectLog::keep_cursors(const std::set<std::string>& engine_ids, std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  for (auto& [key, known] : known_) {
    if (engine_ids.contains(known.source.engine_id))
      known.gone_since_ms = 0;
    else if (known.gone_since_ms == 0)
      known.gone_since_ms = now_ms;
  }
}

void ProjectLog::expire(std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  if (!open() || segments_.empty()) return;
  const LogSegment& last = segments_.back();
  const bool has_lines = last.next_sequence > last.first_sequence;
  if (has_lines && now_ms - last.written_ms >= limits_.age_ms)
    begin_segment(now_ms);
  else
    drop_old(now_ms);
}

void ProjectLog::remove() {
  const std::scoped_lock lock(mutex_);
  removed_ = true;
  segments_.clear();
  newest_.reset();
  known_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

// ---- reading

LogSegment* ProjectLog::begun_at(std::uint64_t first_sequence) {
  const auto found = std::ranges::lower_bound(segments_, first_sequence, {}, &LogSegment::first_sequence);
  return found != segments_.end() && found->first_sequence == first_sequence ? &*found : nullptr;
}

void ProjectLog::know(LogSegment& segment) {
  if (segment.known) return;
  const auto file = LogFile::open(segment.path, O_RDONLY);
  if (file && segment.scan(**file)) return;
  segment.known = true;  // it cannot be read: as if it were empty
  segment.size = 0;
}

std::optional<LogPiece> ProjectLog::piece(LogSegment& segment, std::uint64_t offset, std::uint64_t bytes) const {
  std::shared_ptr<const LogFile> file = newest_;
  if (&segment != &segments_.back()) {
    auto opened = LogFile::open(segment.path, O_RDONLY);
    if (!opened) return std::nullopt;
    file = std::move(*opened);
  }
  return LogPiece{std::move(file), segment.sources, segment.first_sequence, offset, static_cast<std::size_t>(bytes)};
}

LogPosition ProjectLog::end() {
  const std::scoped_lock lock(mutex_);
  if (!open() || segments_.empty()) return {};
  const LogSegment& last = segments_.back();
  return {last.next_sequence - 1, last.first_sequence, last.size};
}

// Finds segment and offset of a position that knows its sequence only.
void ProjectLog::locate(LogPosition& position, std::uint64_t& missed) {
  const std::uint64_t oldest = segments_.front().first_sequence;
  if (position.sequence + 1 < oldest) {
    missed = oldest - 1 - position.sequence;
    position.sequence = oldest - 1;
  }
  // More than there are: from before a power loss that took the last ones.
  position.sequence = std::min(position.sequence, segments_.back().next_sequence - 1);
  const auto later = std::ranges::upper_bound(segments_, position.sequence + 1, {}, &LogSegment::first_sequence);
  LogSegment& segment = *std::prev(later);
  know(segment);
  const auto block = std::ranges::upper_bound(segment.blocks, position.sequence + 1, {}, &LogBlock::first_sequence);
  position.segment = segment.first_sequence;
  position.offset = block == segment.blocks.begin() ? kSegmentHead.size() : std::prev(block)->offset;
}

std::optional<LogPiece> ProjectLog::next(LogPosition& position, std::uint64_t& missed) {
  const std::scoped_lock lock(mutex_);
  missed = 0;
  if (!open() || segments_.empty()) return std::nullopt;
  LogSegment* segment = position.segment != 0 ? begun_at(position.segment) : nullptr;
  if (!segment || position.offset > segment->size) {
    locate(position, missed);
    segment = begun_at(position.segment);
  }
  while (true) {
    know(*segment);  // for its sources
    if (position.offset < segment->size)
      return piece(*segment, position.offset, std::min<std::uint64_t>(segment->size - position.offset, kPieceBytes));
    if (segment == &segments_.back()) return std::nullopt;
    ++segment;
    if (segment->first_sequence > position.sequence + 1) missed += segment->first_sequence - 1 - position.sequence;
    position = {segment->first_sequence - 1, segment->first_sequence, kSegmentHead.size()};
  }
}

std::optional<LogPiece> ProjectLog::before(LogPosition& position, std::int64_t since_ns) {
  const std::scoped_lock lock(mutex_);
  if (!open() || segments_.empty()) return std::nullopt;
  LogSegment* segment = begun_at(position.segment);
  while (segment) {
    const bool too_old = !segment->known && (segment->written_ms + kClockSlackMs) * 1'000'000 < since_ns;
    if (!too_old) know(*segment);
    position.offset = std::min(position.offset, segment->size);
    auto block = std::ranges::lower_bound(segment->blocks, position.offset, {}, &LogBlock::offset);
    while (!too_old && block != segment->blocks.begin()) {
      --block;
      const std::uint64_t end = std::exchange(position.offset, block->offset);
      if (block->newest_ns >= since_ns) return piece(*segment, block->offset, end - block->offset);
    }
    if (segment == &segments_.front()) return std::nullopt;
    --segment;
    position = {0, segment->first_sequence, segment->size};
  }
  return std::nullopt;
}

}  // namespace paastech::logs
