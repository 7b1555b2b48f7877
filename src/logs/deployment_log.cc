#include "logs/deployment_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/files.h"
#include "base/text.h"

namespace paastech::logs {
namespace {
constexpr std::int64_t kLimit = 4 << 20;
constexpr std::string_view kCut =
    "… the log is over 4 MiB (a line counts 64 bytes more than it has); the rest was not kept\n";
}  // namespace

std::filesystem::path DeploymentLog::file_of(const std::string& project, std::int64_t number) const {
  return root_ / project / (std::to_string(number) + ".log");
}

Status DeploymentLog::append(const std::string& project, std::int64_t number, std::string_view lines,
                             std::int64_t lines_before) const {
  const std::filesystem::path path = file_of(project, number);
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Code::kInternal, "cannot open " + path.string() + ": " + std::generic_category().message(errno));
  struct stat info{};
  ::fstat(fd, &info);
  std::string text(lines);
  text.push_back('\n');
  const std::int64_t before = info.st_size + lines_before * kLineCost;
  const std::int64_t cost = static_cast<std::int64_t>(text.size()) + std::ranges::count(text, '\n') * kLineCost;
  const bool full = before >= kLimit;
  if (!full && before + cost >= kLimit) {
    // With the note and its lines the file reaches the limit, by which the next append knows that it is full.
    text.resize(first_bytes(text, static_cast<std::size_t>(kLimit - before)).size());
    text.append("\n").append(kCut);
  }
  const ssize_t wrote = full ? 0 : ::write(fd, text.data(), text.size());
  const bool written = full || wrote == static_cast<ssize_t>(text.size());
  const int code = wrote < 0 ? errno : ENOSPC;  // a part of it: the disk is full
  ::close(fd);
  if (!written)
    return fail(Code::kInternal, "cannot write " + path.string() + ": " + std::generic_category().message(code));
  return {};
}

std::string DeploymentLog::text(const std::string& project, std::int64_t number) const {
  return read_file(file_of(project, number), kLimit + 65536).value_or("");
}

std::string DeploymentLog::part(const std::string& project, std::int64_t number, std::int64_t offset,
                                std::size_t bytes) const {
  const int fd = ::open(file_of(project, number).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string out(bytes, '\0');
  const ssize_t got = ::pread(fd, out.data(), bytes, offset);
  ::close(fd);
  out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return out;
}

std::vector<std::string> DeploymentLog::read(const std::string& project, std::int64_t number) const {
  std::string all = text(project, number);
  if (all.empty()) return {};
  if (all.back() == '\n') all.pop_back();
  return split(all, '\n');
}

void DeploymentLog::remove(const std::string& project) const {
  std::error_code ignored;
  std::filesystem::remove_all(root_ / project, ignored);
}

}  // namespace paastech::logs
