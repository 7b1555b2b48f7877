#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace paastech::cli {
namespace {

volatile std::sig_atomic_t g_raised = 0;
int g_pipe[2] = {-1, -1};

void on_interrupt(int) {
  const int saved = errno;
  g_raised = 1;
  if (g_pipe[1] >= 0) [[maybe_unused]]
    const ssize_t n = ::write(g_pipe[1], "!", 1);
  errno = saved;
}

}  // namespace

Interrupt::Interrupt() {
  g_raised = 0;
  if (::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK) != 0) g_pipe[0] = g_pipe[1] = -1;
  struct sigaction action{};
  action.sa_handler = on_interrupt;  // no SA_RESTART: a blocking read returns
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() {
  ::sigaction(SIGINT, &before_, nullptr);
  for (int& fd : g_pipe) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
}

int Interrupt::fd() const { return g_pipe[0]; }
bool Interrupt::raised() const { return g_raised != 0; }

}  // namespace paastech::cli
