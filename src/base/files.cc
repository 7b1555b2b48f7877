#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace paastech {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(const char* verb, const std::filesystem::path& path) {
  const int code = errno;
  return fail(code == ENOENT   ? Code::kNotFound
              : code == ENOSPC ? Code::kResourceExhausted
                               : Code::kInternal,
              fmt::format("cannot {} {}: {}", verb, path.string(), std::generic_category().message(code)),
              code == ENOSPC ? "free space on that disk and try again" : "");
}

Status write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("write", path);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("open", path);
  std::string content;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
    if (content.size() > limit)
      return fail(Code::kResourceExhausted, fmt::format("{} is over {} bytes", path.string(), limit));
  }
}

Status write_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.new", ::getpid());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (file.get() < 0) return system_error("create", temporary);
    TRY(write_all(file.get(), content, temporary));
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return system_error("store", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error("rename", temporary);
  const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
  return {};
}

Status append_file(const std::filesystem::path& path, std::string_view content, unsigned mode) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode));
  if (file.get() < 0) return system_error("open", path);
  TRY(write_all(file.get(), content, path));
  if (::fdatasync(file.get()) != 0) return system_error("store", path);
  return {};
}

Result<std::string> read_secret_file(const std::filesystem::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error("open", path);
  if ((info.st_mode & 077) != 0)
    return fail(
        Code::kFailedPrecondition,
        fmt::format("the secret file {} can be read by other users (mode {:o})", path.string(), info.st_mode & 0777u),
        fmt::format("run: chmod 600 {}", path.string()));
  return read_file(path);
}

}  // namespace paastech
