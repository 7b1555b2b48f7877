#include "logs/deployment_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"

namespace paastech::logs {
namespace {
constexpr std::int64_t kLimit = 4 << 20;
constexpr std::string_view kCut = "… the log is over 4 MiB; the rest was not kept\n";
}  // namespace

std::string_view first_bytes(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;  // RFC 3629: continues one
  return text.substr(0, limit);
}

std::filesystem::path DeploymentLog::file_of(const std::string& project, std::int64_t number) const {
  return root_ / project / (std::to_string(number) + ".log");
}

Status DeploymentLog::append(const std::string& project, std::int64_t number, std::string_view line) const {
  const std::filesystem::path path = file_of(project, number);
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return fail(Code::kInternal, "cannot open " + path.string() + ": " + std::strerror(errno));
  struct stat info{};
  ::fstat(fd, &info);
  std::string text(line);
  text.push_back('\n');
  if (info.st_size < kLimit && info.st_size + static_cast<std::int64_t>(text.size()) >= kLimit) {
    // With the note the file reaches the limit, by which the next append knows that it is full.
    text.resize(first_bytes(text, static_cast<std::size_t>(kLimit - info.st_size)).size());
    text.append("\n").append(kCut);
  }
  const bool full = info.st_size >= kLimit;
  const ssize_t wrote = full ? 0 : ::write(fd, text.data(), text.size());
  const bool written = full || wrote == static_cast<ssize_t>(text.size());
  const int code = wrote < 0 ? errno : ENOSPC;  // a part of it: the disk is full
  ::close(fd);
  if (!written) return fail(Code::kInternal, "cannot write " + path.string() + ": " + std::strerror(code));
  return {};
}

std::vector<std::string> DeploymentLog::read(const std::string& project, std::int64_t number) const {
  Result<std::string> text = read_file(file_of(project, number), kLimit + 65536);
  if (!text || text->empty()) return {};
  if (text->back() == '\n') text->pop_back();
  return split(*text, '\n');
}

void DeploymentLog::remove(const std::string& project) const {
  std::error_code ignored;
  std::filesystem::remove_all(root_ / project, ignored);
}

}  // namespace paastech::logs
