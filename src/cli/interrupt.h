#pragma once
// Ctrl-C as something to wait for: while one lives, SIGINT makes fd() readable instead of ending the process. One at a
// time, on the main thread.
#include <csignal>

namespace paastech::cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  int fd() const;  // -1 where no pipe could be made; raised() works all the same
  bool raised() const;

 private:
  struct sigaction before_{};
};

}  // namespace paastech::cli
