#include "ingress/table_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <boost/endian/conversion.hpp>

#include "base/files.h"

namespace paastech::ingress {

namespace {

constexpr std::size_t kMaxFile = std::size_t{256} << 20;
constexpr std::size_t kMinChanges = 64 << 10;
constexpr std::size_t kHead = 8;

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  return boost::endian::load_little_u32(reinterpret_cast<const unsigned char*>(bytes.data() + at));
}

std::string with_head(std::string_view bytes) {
  unsigned char head[kHead];
  boost::endian::store_little_u32(head, static_cast<std::uint32_t>(bytes.size()));
  boost::endian::store_little_u32(head + 4, checksum(bytes));
  return std::string(reinterpret_cast<const char*>(head), kHead).append(bytes);
}

// The change at the front of the bytes, and takes it away; nothing where it is torn or another.
std::optional<router::v1::RouteTable> take_change(std::string_view& bytes, std::int64_t based_on) {
  if (bytes.size() < kHead) return std::nullopt;
  const std::size_t length = number_at(bytes, 0);
  if (bytes.size() - kHead < length) return std::nullopt;
  const std::string_view payload = bytes.substr(kHead, length);
  router::v1::RouteTable change;
  if (number_at(bytes, 4) != checksum(payload) || !change.ParseFromArray(payload.data(), static_cast<int>(length)) ||
      change.based_on() != based_on)
    return std::nullopt;
  bytes.remove_prefix(kHead + length);
  return change;
}

std::filesystem::path beside(std::filesystem::path path) {
  if (!path.empty()) path += ".changes";
  return path;
}

}  // namespace

TableFile::TableFile(std::filesystem::path path) : path_(std::move(path)), changes_path_(beside(path_)) {}

Result<std::vector<router::v1::RouteTable>> TableFile::load() {
  std::vector<router::v1::RouteTable> out;
  if (path_.empty() || !std::filesystem::exists(path_)) return out;
  TRY_ASSIGN(const std::string table, read_file(path_, kMaxFile));
  if (!out.emplace_back().ParseFromString(table))
    return fail(Code::kInternal, fmt::format("the route table {} is damaged", path_.string()));
  std::string changes;
  if (std::filesystem::exists(changes_path_)) {
    TRY_ASSIGN(changes, read_file(changes_path_, kMaxFile));
  }
  std::string_view rest = changes;
  while (true) {
    std::optional<router::v1::RouteTable> change = take_change(rest, out.back().version());
    if (!change) break;
    out.push_back(std::move(*change));
  }
  whole_needed_ = !rest.empty();  // what would come behind a torn end could not be read again
  table_bytes_ = table.size();
  changes_bytes_ = changes.size();
  return out;
}

bool TableFile::takes_change() const {
  return path_.empty() || (!whole_needed_ && changes_bytes_ < std::max(table_bytes_, kMinChanges));
}

Status TableFile::write(const router::v1::RouteTable& table) {
  if (path_.empty()) return {};
  const std::string bytes = table.SerializeAsString();
  whole_needed_ = true;  // until it is there
  if (table.based_on() != 0) {
    const std::string record = with_head(bytes);
    TRY(append_file(changes_path_, record, 0600));
    changes_bytes_ += record.size();
  } else {
    TRY(write_file(path_, bytes, 0600));
    std::error_code failed;
    std::filesystem::remove(changes_path_, failed);
    if (failed)
      return fail(Code::kInternal, fmt::format("cannot remove {}: {}", changes_path_.string(), failed.message()));
    table_bytes_ = bytes.size();
    changes_bytes_ = 0;
  }
  whole_needed_ = false;
  return {};
}

}  // namespace paastech::ingress
