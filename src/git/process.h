#pragma once
// A git program run by argument vector in a clean environment: no user or system configuration, every setting by
// GIT_CONFIG_*; in a process group of its own, with pipes for its streams and bounded memory. Owner: one thread.
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace paastech::git {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_;
};

using Settings = std::vector<std::pair<std::string, std::string>>;  // git configuration or environment

struct GitInvocation {
  std::vector<std::string> arguments;  // behind the word git
  Settings configuration;
  Settings environment;
};

class GitProcess {
 public:
  // kResourceExhausted: no process or descriptors left; kFailedPrecondition: git is not installed.
  static Result<GitProcess> start(const GitInvocation& invocation);
  GitProcess(GitProcess&& other) noexcept;
  GitProcess& operator=(GitProcess&&) = delete;
  ~GitProcess();  // kills what still runs

  Descriptor in, out, err;  // our ends; non-blocking. in is closed to tell the end of input
  void terminate();         // SIGTERM to the group: git removes its quarantine
  void kill();
  // Blocks until it has ended; its exit status, or 128 + the signal.
  int wait();

 private:
  GitProcess() = default;
  pid_t pid_ = -1;
};

}  // namespace paastech::git
