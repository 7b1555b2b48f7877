#include "base/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace paastech {

Status make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error)
    return fail(Code::kFailedPrecondition,
                fmt::format("cannot make the folder {}: {}", folder.string(), error.message()),
                "choose another place, or give this user the right to write there");
  if (made) ::chmod(folder.c_str(), 0700);
  struct stat info{};
  if (::stat(folder.c_str(), &info) == 0 && (info.st_mode & 0022) != 0)
    return fail(Code::kFailedPrecondition,
                fmt::format("other users may write to {} (mode {:o})", folder.string(), info.st_mode & 0777u),
                fmt::format("run: chmod go-w {}", folder.string()));
  return {};
}

Result<TemporaryFolder> TemporaryFolder::make(std::string_view prefix) {
  std::error_code error;
  const std::filesystem::path all = std::filesystem::temp_directory_path(error);
  std::string name = (all / fmt::format("{}.XXXXXX", prefix)).string();
  if (error || ::mkdtemp(name.data()) == nullptr)
    return fail(Code::kInternal,
                fmt::format("cannot make a temporary folder: {}",
                            error ? error.message() : std::generic_category().message(errno)),
                "set TMPDIR to a folder where this user may write");
  return TemporaryFolder(name);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  return wait(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder);
}

Result<FolderLock> FolderLock::take_file(const std::filesystem::path& file) {
  return wait(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), file);
}

Result<FolderLock> FolderLock::wait(int fd, const std::filesystem::path& place) {
  FolderLock lock(fd);
  int done = fd < 0 ? -1 : ::flock(fd, LOCK_EX);
  while (done != 0 && errno == EINTR) done = ::flock(fd, LOCK_EX);
  if (done != 0)
    return fail(Code::kInternal,
                fmt::format("cannot lock {}: {}", place.string(), std::generic_category().message(errno)),
                "give this user the right to write there");
  return lock;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace paastech
