#include "base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

extern char** environ;

namespace paastech {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class SpawnSetup {
 public:
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  int start(pid_t& pid, const std::vector<std::string>& argv, int in, int out) {
    posix_spawn_file_actions_adddup2(&actions_, in, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, 1);
    posix_spawn_file_actions_adddup2(&actions_, out, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    sigset_t none;
    sigemptyset(&none);
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    // A process group of its own, so that the deadline ends its children too.
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    return posix_spawnp(&pid, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// Feeds input and collects output until the program closes it. False: the deadline passed.
bool exchange(Descriptor& in, Descriptor& out, std::string_view input, const ProgramLimits& limits,
              SteadyClock::time_point deadline, std::string& output) {
  if (input.empty()) in.reset();
  while (out.get() >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd fds[2] = {{out.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(std::min<long long>(left, 1000)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    if (in.get() >= 0 && fds[1].revents != 0) {
      const ssize_t sent = ::send(in.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      if ((sent < 0 && errno != EAGAIN && errno != EINTR) || input.empty()) in.reset();
    }
    if (fds[0].revents != 0) {
      char buffer[16384];
      const ssize_t got = ::read(out.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        out.reset();
      } else if (output.size() < limits.max_output) {
        output.append(buffer, std::min(static_cast<std::size_t>(got), limits.max_output - output.size()));
      }
    }
  }
  return true;
}

}  // namespace

Result<ProgramResult> run_program(std::vector<std::string> argv, std::string input, ProgramLimits limits) {
  if (argv.empty()) return fail(Code::kInvalidArgument, "no program was named");
  // A socket pair for the input, so that writing to a program that has ended raises no SIGPIPE.
  int in[2];
  int out[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
    return fail(Code::kInternal, std::string("cannot make a socket pair: ") + std::generic_category().message(errno));
  Descriptor our_in(in[0]);
  Descriptor its_in(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0)
    return fail(Code::kInternal, std::string("cannot make a pipe: ") + std::generic_category().message(errno));
  Descriptor our_out(out[0]);
  Descriptor its_out(out[1]);
  const auto deadline = SteadyClock::now() + limits.timeout;
  pid_t pid = -1;
  SpawnSetup setup;
  const int error = setup.start(pid, argv, its_in.get(), its_out.get());
  if (error != 0)
    return fail(error == ENOENT ? Code::kNotFound : Code::kInternal,
                "cannot start " + argv[0] + ": " + std::generic_category().message(error));
  its_in.reset();
  its_out.reset();
  ProgramResult result;
  const bool in_time = exchange(our_in, our_out, input, limits, deadline, result.output);
  if (!in_time) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    return fail(Code::kDeadlineExceeded,
                argv[0] + " did not end within " + std::to_string(limits.timeout.count()) + " ms and was killed");
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace paastech
