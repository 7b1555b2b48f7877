#include "logs/log_segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "logs/log_record.h"

namespace paastech::logs {
namespace {

constexpr std::uint64_t kBlockBytes = 64 << 10;
constexpr std::size_t kScanBytes = 2 * kMaxRecord;  // read at once while scanning

}  // namespace

LogFile::~LogFile() { ::close(fd_); }

Result<std::shared_ptr<const LogFile>> LogFile::open(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Code::kInternal, "cannot open " + path.string() + ": " + std::generic_category().message(errno));
  return std::make_shared<const LogFile>(fd);
}

std::string LogFile::read(std::uint64_t offset, std::size_t bytes) const {
  std::string out(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const ssize_t got = ::pread(fd_, out.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

Status LogFile::append(std::string_view bytes, std::uint64_t end) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(end + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      const std::string why = std::generic_category().message(wrote < 0 ? errno : ENOSPC);
      cut(end);
      return fail(Code::kResourceExhausted, why);
    }
    done += static_cast<std::size_t>(wrote);
  }
  return {};
}

void LogFile::cut(std::uint64_t size) const {
  [[maybe_unused]] const int cannot_help = ::ftruncate(fd_, static_cast<off_t>(size));
}

void LogFile::flush() const { ::fsync(fd_); }

bool LogSegment::note(std::uint64_t offset, std::string_view payload) {
  size = offset + kRecordHead + payload.size();
  if (kind_of(payload) == RecordKind::kSource) {
    const std::optional<SourceRecord> record = read_source(payload);
    if (!record || record->number > sources->size()) return false;
    if (record->number == sources->size()) {
      auto grown = std::make_shared<LogSources>(*sources);  // readers hold on to the old one
      grown->push_back(record->source);
      sources = std::move(grown);
      cursors.emplace_back();
    }
    cursors[record->number] = record->cursor;
    return true;
  }
  const std::uint64_t first = next_sequence;
  std::int64_t newest = 0;
  const bool whole = for_each_line(payload, first_sequence, *sources, [&](const LogLine& line) {
    advance(cursors[static_cast<std::size_t>(line.source - sources->data())], line.at_ns);
    newest = std::max(newest, line.at_ns);
    next_sequence = line.sequence + 1;
  });
  if (!whole) return false;
  if (blocks.empty() || offset >= blocks.back().offset + kBlockBytes) blocks.push_back({offset, first, newest});
  blocks.back().newest_ns = std::max(blocks.back().newest_ns, newest);
  return true;
}

bool LogSegment::scan(const LogFile& file) {
  known = true;
  next_sequence = first_sequence;
  size = 0;
  if (file.read(0, kSegmentHead.size()) != kSegmentHead) return false;
  size = kSegmentHead.size();
  std::string piece;
  std::uint64_t at = size;  // of the piece
  std::size_t used = 0;
  while (true) {
    std::optional<std::string_view> payload = record_at(std::string_view(piece).substr(used), true);
    if (!payload && used > 0) {  // perhaps it goes on after the piece
      at += used;
      used = 0;
      piece.clear();
    }
    if (!payload && piece.empty()) {
      piece = file.read(at, kScanBytes);
      payload = record_at(piece, true);
    }
    const std::uint64_t before = size;
    if (!payload) return true;
    if (!note(at + used, *payload)) {
      size = before;
      return true;
    }
    used += kRecordHead + payload->size();
  }
}

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t first_sequence) {
  return folder / fmt::format("{:020}.seg", first_sequence);
}

std::vector<LogSegment> list_segments(const std::filesystem::path& folder) {
  std::vector<LogSegment> segments;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    LogSegment segment;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), segment.first_sequence);
    struct stat info{};
    if (bad != std::errc() || std::string_view(end) != ".seg" || ::stat(entry.path().c_str(), &info) != 0) continue;
    segment.path = entry.path();
    segment.next_sequence = segment.first_sequence;
    segment.size = static_cast<std::uint64_t>(info.st_size);
    segment.written_ms = info.st_mtim.tv_sec * 1'000LL + info.st_mtim.tv_nsec / 1'000'000;
    segments.push_back(std::move(segment));
  }
  std::ranges::sort(segments, {}, &LogSegment::first_sequence);
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) segments[i].next_sequence = segments[i + 1].first_sequence;
  return segments;
}

void flush_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace paastech::logs
