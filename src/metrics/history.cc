#include "metrics/history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <system_error>
#include <type_traits>

#include "base/ids.h"
#include "domain/scale.h"

namespace paastech::metrics {
namespace {

constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kSuffix = ".ring";
constexpr std::string_view kDamaged = ".damaged";

struct Header {
  std::array<char, 8> magic = {'P', 'T', 'M', 'E', 'T', 'R', 'I', 'C'};
  std::uint32_t byte_order = 0x01020304;  // of the machine that wrote it
  std::uint32_t format = kFormat;
  std::uint32_t record_size;
  std::uint32_t fine_seconds = kFineSeconds;
  std::uint32_t fine_count = kFineCount;
  std::uint32_t coarse_seconds = kCoarseSeconds;
  std::uint32_t coarse_count = kCoarseCount;
  std::array<std::uint32_t, 7> reserved = {};
};
struct Record {
  Sample sample;
  std::uint32_t checksum = 0;  // CRC-32 of the sample
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Header) == 64 && sizeof(Record) == sizeof(Sample) + 8);
static_assert(std::is_trivially_copyable_v<Record> && sizeof(Sample) == 176, "no padding: its bytes are its value");

constexpr off_t kSize = sizeof(Header) + (kFineCount + kCoarseCount) * sizeof(Record);

Header our_header() {
  Header header{};
  header.record_size = sizeof(Record);
  return header;
}

std::uint32_t checksum(const Sample& sample) {
  boost::crc_32_type crc;
  crc.process_bytes(&sample, sizeof sample);
  return crc.checksum();
}

class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return fd_ >= 0; }
  bool empty() const {
    struct stat info{};
    return ::fstat(fd_, &info) == 0 && info.st_size == 0;
  }
  bool ours() const {
    struct stat info{};
    Header header{};
    const Header wanted = our_header();
    return ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == kSize &&
           ::pread(fd_, &header, sizeof header, 0) == sizeof header &&
           std::memcmp(&header, &wanted, sizeof header) == 0;
  }
  bool begin() const {
    const Header header = our_header();
    return ::ftruncate(fd_, kSize) == 0 && ::pwrite(fd_, &header, sizeof header, 0) == sizeof header;
  }
  bool write(Range range, const Sample& sample) const {
    const Record record{sample, checksum(sample), 0};
    return ::pwrite(fd_, &record, sizeof record, place(range, sample.slot)) == sizeof record;
  }
  // Straight runs of the ring, one read each.
  std::vector<Sample> read(Range range, std::int64_t first, std::int64_t count) const {
    std::vector<Sample> out(static_cast<std::size_t>(count));
    std::vector<Record> run;
    const std::int64_t length = count_of(range);
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t here = std::min(count - done, length - (first + done) % length);
      run.assign(static_cast<std::size_t>(here), {});
      const ssize_t got = ::pread(fd_, run.data(), run.size() * sizeof(Record), place(range, first + done));
      const std::size_t whole = got > 0 ? static_cast<std::size_t>(got) / sizeof(Record) : 0;
      for (std::size_t i = 0; i < whole; ++i) {
        const std::int64_t slot = first + done + static_cast<std::int64_t>(i);
        if (run[i].sample.slot == slot && run[i].checksum == checksum(run[i].sample))
          out[static_cast<std::size_t>(done) + i] = run[i].sample;
      }
      done += here;
    }
    return out;
  }

 private:
  static off_t place(Range range, std::int64_t slot) {
    const std::int64_t index = slot % count_of(range) + (range == Range::kWeek ? kFineCount : 0);
    return static_cast<off_t>(sizeof(Header)) + index * static_cast<off_t>(sizeof(Record));
  }
  int fd_;
};

Error broken(const std::filesystem::path& path, std::string_view what) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  return {full ? Code::kResourceExhausted : Code::kInternal,
          "cannot " + std::string(what) + " " + path.string() + ": " + std::generic_category().message(code),
          full ? "free space on the disk of the Service's home" : ""};
}

}  // namespace

std::int64_t seconds_of(Range range) { return range == Range::kHour ? kFineSeconds : kCoarseSeconds; }
std::int64_t count_of(Range range) { return range == Range::kHour ? kFineCount : kCoarseCount; }

std::filesystem::path History::file_of(const std::string& project, const std::string& process) const {
  return root_ / project / (process + std::string(kSuffix));
}

Status History::add(const std::string& project, const std::string& process, const Sample& sample) const {
  // Also so that neither leads out of its folder.
  if (!is_uuid(project) || !check_process_name(process) || sample.slot <= 0)
    return fail(Code::kInvalidArgument, "there are no figures of the process \"" + process + "\"");
  const std::filesystem::path path = file_of(project, process);
  std::error_code ignored;
  if (::mkdir(path.parent_path().c_str(), 0700) != 0 && errno == ENOENT)
    std::filesystem::create_directories(path.parent_path(), ignored);
  std::optional<File> file(std::in_place, path, O_RDWR | O_CREAT);
  if (file->is_open() && !file->empty() && !file->ours()) {
    std::filesystem::rename(path, path.parent_path() / (process + std::string(kDamaged)), ignored);
    file.emplace(path, O_RDWR | O_CREAT);
  }
  if (!file->is_open()) return std::unexpected(broken(path, "open"));
  if (file->empty() && !file->begin()) return std::unexpected(broken(path, "begin"));
  if (!file->write(Range::kHour, sample)) return std::unexpected(broken(path, "write"));
  const std::int64_t slot = sample.slot / kFineInCoarse;
  const std::vector<Sample> parts = file->read(Range::kHour, slot * kFineInCoarse, kFineInCoarse);
  if (!file->write(Range::kWeek, aggregate(parts, slot))) return std::unexpected(broken(path, "write"));
  return {};
}

std::vector<Sample> History::read(const std::string& project, const std::string& process, Range range,
                                  std::int64_t first, std::int64_t count) const {
  count = std::clamp<std::int64_t>(count, 0, count_of(range));
  std::vector<Sample> nothing(static_cast<std::size_t>(count));
  if (!is_uuid(project) || !check_process_name(process) || first <= 0) return nothing;
  const File file(file_of(project, process), O_RDONLY);
  if (!file.is_open() || !file.ours()) return nothing;
  return file.read(range, first, count);
}

std::vector<std::string> History::processes(const std::string& project) const {
  std::vector<std::string> names;
  if (!is_uuid(project)) return names;
  std::error_code code;
  for (std::filesystem::directory_iterator it(root_ / project, code), end; !code && it != end; it.increment(code))
    if (it->path().extension() == kSuffix) names.push_back(it->path().stem().string());
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> History::projects() const {
  std::vector<std::string> ids;
  std::error_code code;
  for (std::filesystem::directory_iterator it(root_, code), end; !code && it != end; it.increment(code))
    if (std::string name = it->path().filename().string(); is_uuid(name)) ids.push_back(std::move(name));
  std::ranges::sort(ids);
  return ids;
}

void History::remove(const std::string& project) const {
  std::error_code ignored;
  if (is_uuid(project)) std::filesystem::remove_all(root_ / project, ignored);
}

void History::sweep(std::int64_t older_than_seconds) const {
  const auto limit = std::filesystem::file_time_type::clock::now() - std::chrono::seconds(older_than_seconds);
  for (const std::string& project : projects()) {
    std::error_code code;
    std::vector<std::filesystem::path> old;
    for (std::filesystem::directory_iterator it(root_ / project, code), end; !code && it != end; it.increment(code)) {
      std::error_code gone;
      if (const auto written = it->last_write_time(gone); !gone && written < limit) old.push_back(it->path());
    }
    for (const std::filesystem::path& path : old) std::filesystem::remove(path, code);
    ::rmdir((root_ / project).c_str());  // where it is empty
  }
}

}  // namespace paastech::metrics
