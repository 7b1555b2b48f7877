#include "logs/log_record.h"

#include <zlib.h>

#include <algorithm>

#include "base/text.h"

namespace paastech::logs {
namespace {

constexpr std::string_view kCutMark = " … (cut at 64 KiB)";

void add_number(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void add_signed(std::string& out, std::int64_t value) {
  add_number(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void add_text(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out += text;
}

void put32(char* to, std::uint64_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t get32(const char* from) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return value;
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned>(bytes.size())));
}

// Leaves room for the head; seal() fills it once the payload stands.
std::size_t begin_record(std::string& out, RecordKind kind) {
  const std::size_t at = out.size();
  out.append(kRecordHead, '\0');
  out.push_back(static_cast<char>(kind));
  return at;
}

void seal(std::string& out, std::size_t at) {
  const std::string_view payload = std::string_view(out).substr(at + kRecordHead);
  const std::uint32_t sum = checksum(payload);
  put32(out.data() + at, payload.size());
  put32(out.data() + at + 4, sum);
}

}  // namespace

std::uint64_t PayloadReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0, at = 0; shift < 64 && at < rest_.size(); shift += 7, ++at) {
    const auto byte = static_cast<unsigned char>(rest_[at]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    rest_.remove_prefix(at + 1);
    return value;
  }
  ok_ = false;
  rest_ = {};
  return 0;
}

std::int64_t PayloadReader::signed_number() {
  const std::uint64_t value = number();
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::string_view PayloadReader::text(std::uint64_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
  }
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(text.size());
  return text;
}

void add_source_record(std::string& out, std::uint64_t number, const LogSource& source, LogCursor cursor) {
  const std::size_t at = begin_record(out, RecordKind::kSource);
  add_number(out, number);
  add_signed(out, source.deployment);
  add_signed(out, cursor.at_ns);
  add_signed(out, cursor.lines_at);
  add_text(out, source.process);
  add_text(out, source.instance);
  add_text(out, source.engine_id);
  seal(out, at);
}

std::size_t add_lines_record(std::string& out, std::uint64_t source, std::uint64_t ahead,
                             std::span<const LogEntry> entries) {
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < entries.size() && bytes < kRecordBytes; ++count)
    bytes += std::min(entries[count].text.size(), kMaxLineBytes) + 2;
  const std::size_t at = begin_record(out, RecordKind::kLines);
  add_number(out, source);
  add_number(out, ahead);
  add_number(out, count);
  std::int64_t before = entries.front().at_ns;
  add_signed(out, before);
  for (const LogEntry& entry : entries.first(count)) {
    const std::string_view text = first_bytes(entry.text, kMaxLineBytes);
    const std::string_view mark = text.size() < entry.text.size() ? kCutMark : "";
    add_signed(out, entry.at_ns - before);
    before = entry.at_ns;
    add_number(out, (text.size() + mark.size()) << 1 | (entry.error_stream ? 1 : 0));
    out += text;
    out += mark;
  }
  seal(out, at);
  return count;
}

std::optional<std::string_view> record_at(std::string_view bytes, bool verify) {
  if (bytes.size() <= kRecordHead) return std::nullopt;
  const std::size_t size = get32(&bytes[0]);
  if (size == 0 || size > kMaxRecord || size > bytes.size() - kRecordHead) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHead, size);
  if (verify && checksum(payload) != get32(&bytes[4])) return std::nullopt;
  return payload;
}

std::optional<SourceRecord> read_source(std::string_view payload) {
  PayloadReader reader(payload.substr(1));
  SourceRecord record;
  record.number = reader.number();
  record.source.deployment = reader.signed_number();
  record.cursor.at_ns = reader.signed_number();
  record.cursor.lines_at = static_cast<std::int32_t>(reader.signed_number());
  record.source.process = reader.text(reader.number());
  record.source.instance = reader.text(reader.number());
  record.source.engine_id = reader.text(reader.number());
  if (!reader.ok()) return std::nullopt;
  return record;
}

}  // namespace paastech::logs
