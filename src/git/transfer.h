#pragma once
// Carries bytes between an SSH channel and a git program until the program has ended, under limits of time, size and
// speed. Memory is bounded by the SSH windows (libssh: 1.25 MiB in; the Client's, usually 2 MiB, out). Thread: the
// session's.
#include <chrono>
#include <string>

#include "git/gate.h"
#include "git/process.h"
#include "git/push.h"
#include "git/ssh_channel.h"

namespace paastech::git {

struct TransferLimits {
  std::int64_t max_push_bytes = 0;
  Error too_large = {};  // what to say of a larger push; without a message: that it is over the Service's limit
  std::chrono::seconds time{1800};       // receiving; the whole of a fetch
  std::chrono::seconds silence{60};      // without a byte in either direction, and for a Client that reads nothing
  std::chrono::seconds slow_window{10};  // a Client that sends at all must send in two such windows
  std::int64_t slow_bytes = 5 << 10;     // more than this each: 512 B/s
};

class Transfer {
 public:
  // push is null for a fetch.
  Transfer(SshConnection& connection, GitProcess process, Push* push, DeployGate& gate, TransferLimits limits)
      : connection_(connection), git_(std::move(process)), push_(push), gate_(gate), limits_(std::move(limits)) {}
  // The exit status for the Client. Where the Client goes away during a Deployment, returns only when it has ended.
  int run();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void wait();
  void take_input();
  void pass_output(Descriptor& from, std::string& buffer, bool is_stderr);
  void enforce_limits();
  void client_gone();
  void stop(Error error);
  bool receiving() const { return push_ == nullptr || push_->phase() == Push::Phase::kReceiving; }
  void explain();

  SshConnection& connection_;
  GitProcess git_;
  Push* push_;
  DeployGate& gate_;
  TransferLimits limits_;
  std::string input_, output_, errors_;
  std::size_t input_done_ = 0;
  std::int64_t received_ = 0;
  std::int64_t window_bytes_ = 0;
  bool gone_ = false;
  bool stopped_ = false;
  bool disk_full_ = false;
  bool slow_before_ = false;
  Time now_ = std::chrono::steady_clock::now();
  Time begin_ = now_, last_byte_ = now_, window_begin_ = now_, stopped_at_ = now_;
};

}  // namespace paastech::git
