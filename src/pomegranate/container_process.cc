#include "pomegranate/container_process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

namespace paastech::pomegranate {

namespace {

constexpr std::size_t kIdLength = 64;  // of a container: a SHA-256 in hexadecimal

// Holds on to a process, so that its number cannot become another's unseen.
class HeldProcess {
 public:
  explicit HeldProcess(pid_t process) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))) {}
  ~HeldProcess() {
    if (fd_ >= 0) ::close(fd_);
  }
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;
  bool held() const { return fd_ >= 0; }
  bool kill() const { return ::syscall(SYS_pidfd_send_signal, fd_, SIGKILL, nullptr, 0) == 0; }

 private:
  int fd_;
};

}  // namespace

bool is_of_container(std::string_view cgroups, std::string_view container) {
  return container.size() == kIdLength && cgroups.find(container) != std::string_view::npos;
}

bool kill_container_process(std::int64_t process, std::string_view container) {
  if (process <= 1) return false;
  const pid_t id = static_cast<pid_t>(process);
  const HeldProcess held(id);
  if (!held.held()) return false;
  std::ifstream file("/proc/" + std::to_string(process) + "/cgroup");
  const std::string cgroups{std::istreambuf_iterator<char>(file), {}};
  if (!is_of_container(cgroups, container)) return false;
  if (::getpgid(id) == id) ::kill(-id, SIGKILL);
  return held.kill();
}

}  // namespace paastech::pomegranate
