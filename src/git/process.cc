#include "git/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace paastech::git {
namespace {

// The address space of one git program. index-pack maps the pack in windows and holds objects below
// core.bigFileThreshold (16 MiB here) in memory; a delta bomb ends here instead of in the machine's memory.
constexpr rlim_t kMemory = rlim_t{3} << 30;
constexpr int kPipe = 1 << 20;  // the largest an unprivileged process may ask for (pipe(7))

struct Pipe {
  Descriptor reader, writer;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(Code::kResourceExhausted, fmt::format("cannot open a pipe: {}", std::generic_category().message(errno)),
                "the Service has too many open files; try again in a moment");
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipe);  // only speed depends on it
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> make_environment(const GitInvocation& invocation) {
  std::vector<std::string> all{"PATH=/usr/local/bin:/usr/bin:/bin",
                               "HOME=/nonexistent",
                               "LC_ALL=C",
                               "GIT_CONFIG_NOSYSTEM=1",
                               "GIT_CONFIG_GLOBAL=/dev/null",
                               "GIT_ATTR_NOSYSTEM=1",
                               "GIT_TERMINAL_PROMPT=0",
                               "GIT_NO_REPLACE_OBJECTS=1"};
  Settings configuration{{"safe.directory", "*"},
                         {"core.bigFileThreshold", "16m"},
                         {"core.packedGitLimit", "256m"},
                         {"core.packedGitWindowSize", "32m"},
                         {"pack.windowMemory", "64m"},
                         {"pack.threads", "2"},
                         {"gc.auto", "0"},
                         {"maintenance.auto", "false"},
                         {"protocol.allow", "never"}};
  configuration.insert(configuration.end(), invocation.configuration.begin(), invocation.configuration.end());
  all.push_back(fmt::format("GIT_CONFIG_COUNT={}", configuration.size()));
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    all.push_back(fmt::format("GIT_CONFIG_KEY_{}={}", i, configuration[i].first));
    all.push_back(fmt::format("GIT_CONFIG_VALUE_{}={}", i, configuration[i].second));
  }
  for (const auto& [key, value] : invocation.environment) all.push_back(fmt::format("{}={}", key, value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A group of its own, default signals (a daemon ignores SIGPIPE, which a child would inherit), no descriptor but the
// three.
int spawn(pid_t* pid, char* const* arguments, char* const* environment, int in, int out, int err) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&actions);
  sigset_t signals;
  ::sigfillset(&signals);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  ::posix_spawn_file_actions_adddup2(&actions, in, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_adddup2(&actions, err, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  const int code = ::posix_spawnp(pid, "git", &actions, &attributes, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return code;
}

}  // namespace

void Descriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

GitProcess::GitProcess(GitProcess&& other) noexcept
    : in(std::move(other.in)),
      out(std::move(other.out)),
      err(std::move(other.err)),
      pid_(std::exchange(other.pid_, -1)) {}

GitProcess::~GitProcess() {
  if (pid_ <= 0) return;
  kill();
  wait();
}

Result<GitProcess> GitProcess::start(const GitInvocation& invocation) {
  TRY_ASSIGN(Pipe input, make_pipe());
  TRY_ASSIGN(Pipe output, make_pipe());
  TRY_ASSIGN(Pipe errors, make_pipe());
  std::vector<std::string> arguments{"git"};
  arguments.insert(arguments.end(), invocation.arguments.begin(), invocation.arguments.end());
  std::vector<std::string> environment = make_environment(invocation);
  GitProcess process;
  const int code = spawn(&process.pid_, pointers(arguments).data(), pointers(environment).data(), input.reader.get(),
                         output.writer.get(), errors.writer.get());
  if (code != 0) {
    process.pid_ = -1;
    return fail(code == ENOENT ? Code::kFailedPrecondition : Code::kResourceExhausted,
                fmt::format("cannot start git: {}", std::generic_category().message(code)),
                code == ENOENT ? "install git on the Service's machine" : "try again in a moment");
  }
  // Before a byte of input is given, thus before it can have grown.
  const rlimit memory{kMemory, kMemory};
  ::prlimit(process.pid_, RLIMIT_AS, &memory, nullptr);
  process.in = std::move(input.writer);
  process.out = std::move(output.reader);
  process.err = std::move(errors.reader);
  for (const int fd : {process.in.get(), process.out.get(), process.err.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return process;
}

void GitProcess::terminate() {
  if (pid_ > 0) ::kill(-pid_, SIGTERM);
}

void GitProcess::kill() {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

int GitProcess::wait() {
  if (pid_ <= 0) return 0;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace paastech::git
