#include "cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <thread>

#include "base/clock.h"
#include "cli/interrupt.h"

namespace paastech::cli {
namespace {

constexpr std::size_t kPasswordLimit = 1024;  // bytes; the Service takes at most 128

// Turns the terminal's echo off while it lives, whatever ends the question.
class EchoOff {
 public:
  EchoOff() : active_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool active_;
};

Result<std::string> ask_password(const std::string& prompt) {
  Interrupt interrupt;  // so that Ctrl-C restores the echo
  EchoOff quiet;
  std::cerr << prompt << std::flush;
  std::string password;
  while (password.size() < kPasswordLimit) {
    pollfd sources[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt.fd(), POLLIN, 0}};
    ::poll(sources, 2, -1);  // not read: a Ctrl-C just before it would be missed
    char c = 0;
    const ssize_t n = interrupt.raised() ? 0 : ::read(STDIN_FILENO, &c, 1);
    if (interrupt.raised()) {
      std::cerr << std::endl;
      return fail(Code::kCancelled, "cancelled");
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return fail(Code::kInternal, fmt::format("cannot read the terminal: {}", std::generic_category().message(errno)));
    if (n == 0 || c == '\n') break;
    password.push_back(c);
  }
  std::cerr << std::endl;
  return password;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown host";
}

int columns_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

Io process_io() {
  std::ios::sync_with_stdio(false);
  std::error_code none;
  Io io{.in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .directory = {},
        .hostname = host_name(),
        .variable = {},
        .ask_password = ask_password,
        .pause = {}};
  io.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  io.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  io.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  io.columns = io.out_is_terminal ? columns_of(STDOUT_FILENO) : 0;
  io.directory = std::filesystem::current_path(none);
  io.now_ms = SystemClock().now_ms();
  io.variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the CLI has one thread
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  io.pause = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  return io;
}

}  // namespace paastech::cli
