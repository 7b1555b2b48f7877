#include "cli/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <system_error>

extern char** environ;

namespace paastech::cli {
namespace {

constexpr std::size_t kOutputLimit = 64 << 20;

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  void nothing(int fd) {
    ::posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
  }
  void copy(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

Result<pid_t> start(const std::vector<std::string>& argv, const FileActions& actions) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int code = ::posix_spawnp(&pid, arguments[0], actions.get(), nullptr, arguments.data(), environ);
  if (code != 0)
    return fail(Code::kFailedPrecondition,
                fmt::format("cannot run `{}`: {}", argv[0], std::generic_category().message(code)),
                fmt::format("install {} and see that it is on the PATH", argv[0]));
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// While a program has the terminal, Ctrl-C is for it; its exit code then tells.
class IgnoreInterrupt {
 public:
  IgnoreInterrupt() {
    struct sigaction ignore{};
    ignore.sa_handler = [](int) {};  // a handler, not SIG_IGN: the program must not inherit it
    ::sigaction(SIGINT, &ignore, &before_);
  }
  ~IgnoreInterrupt() { ::sigaction(SIGINT, &before_, nullptr); }
  IgnoreInterrupt(const IgnoreInterrupt&) = delete;
  IgnoreInterrupt& operator=(const IgnoreInterrupt&) = delete;

 private:
  struct sigaction before_{};
};

}  // namespace

Result<Captured> capture(std::vector<std::string> argv, bool asking) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return fail(Code::kInternal, std::generic_category().message(errno));
  FileActions actions;
  if (!asking)
    for (const int fd : {STDIN_FILENO, STDERR_FILENO}) actions.nothing(fd);
  actions.copy(pipe[1], STDOUT_FILENO);
  std::optional<IgnoreInterrupt> ignore;
  if (asking) ignore.emplace();
  const Result<pid_t> pid = start(argv, actions);
  ::close(pipe[1]);
  Captured captured;
  char buffer[4096];
  while (pid) {
    const ssize_t n = ::read(pipe[0], buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || captured.out.size() > kOutputLimit) break;
    captured.out.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(pipe[0]);
  if (!pid) return std::unexpected(pid.error());
  captured.exit = wait_for(*pid);
  return captured;
}

Result<int> run_here(std::vector<std::string> argv, bool out_to_err) {
  FileActions actions;
  if (out_to_err) actions.copy(STDERR_FILENO, STDOUT_FILENO);
  IgnoreInterrupt ignore;
  TRY_ASSIGN(const pid_t pid, start(argv, actions));
  return wait_for(pid);
}

void launch(std::vector<std::string> argv) {
  FileActions actions;
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) actions.nothing(fd);
  [[maybe_unused]] const Result<pid_t> pid = start(argv, actions);
}

bool run_quietly(std::vector<std::string> argv) {
  FileActions actions;
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) actions.nothing(fd);
  const Result<pid_t> pid = start(argv, actions);
  return pid && wait_for(*pid) == 0;
}

}  // namespace paastech::cli
