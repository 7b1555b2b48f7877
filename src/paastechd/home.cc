#include "paastechd/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/files.h"
#include "base/folders.h"

namespace paastech {

bool others_may_read(const std::filesystem::path& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 && (info.st_mode & 0077) != 0;
}

Status prepare_home(const Config& config) {
  for (const std::filesystem::path& folder :
       {config.home, config.run_folder(), config.home / "repositories", config.home / "logs"})
    TRY(make_private_folder(folder));
  if (const std::filesystem::path name = config.home / "instance"; !std::filesystem::exists(name))
    TRY(write_file(name, config.instance + "\n", 0600));
  return {};
}

namespace {

// One that was killed while it started a program leaves the lock to that child until it executes, a moment later.
bool lock_soon(int fd) {
  for (int tries = 0; tries < 40; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace

Result<HomeLock> HomeLock::take(const Config& config, const std::string& name) {
  const std::filesystem::path path = config.run_folder() / (name + ".pid");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return fail(Code::kInternal,
                fmt::format("cannot open {}: {}", path.string(), std::generic_category().message(errno)));
  HomeLock lock(fd);
  if (!lock_soon(fd))
    return fail(Code::kFailedPrecondition,
                fmt::format("another {} already runs with the home {}", name, config.home.string()),
                "stop it first, or choose another home with PAASTECH_HOME");
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return fail(Code::kInternal,
                fmt::format("cannot write {}: {}", path.string(), std::generic_category().message(errno)));
  return lock;
}

HomeLock::~HomeLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace paastech
