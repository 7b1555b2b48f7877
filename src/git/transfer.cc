#include "git/transfer.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/human_bytes.h"
#include "git/repository_store.h"

namespace paastech::git {
namespace {

constexpr std::size_t kBlock = 128 << 10;
constexpr std::chrono::seconds kPatience(3);                       // for git to end by itself, and then for SIGTERM
constexpr std::string_view kDiskFull = "No space left on device";  // strerror(ENOSPC) in the C locale

Error over_limit(const TransferLimits& limits) {
  if (!limits.too_large.message.empty()) return limits.too_large;
  return {Code::kResourceExhausted,
          fmt::format("the push is over {}, the limit of this Service; nothing was changed",
                      human_bytes(limits.max_push_bytes)),
          "keep large files out of the repository; `git count-objects -vH` shows its size"};
}

}  // namespace

int Transfer::run() {
  while (git_.out || git_.err) {
    wait();
    now_ = std::chrono::steady_clock::now();
    if (!gone_ && !connection_.pump()) client_gone();
    take_input();
    pass_output(git_.out, output_, false);
    pass_output(git_.err, errors_, true);
    enforce_limits();
  }
  git_.in.reset();
  const int status = git_.wait();
  if (!gone_) explain();
  return stopped_ && status == 0 ? 1 : status;
}

void Transfer::wait() {
  const bool room = gone_ || connection_.writable() > 0;
  pollfd fds[4] = {{gone_ ? -1 : ssh_get_fd(connection_.session), POLLIN, 0},
                   {input_done_ < input_.size() ? git_.in.get() : -1, POLLOUT, 0},
                   {room && output_.empty() ? git_.out.get() : -1, POLLIN, 0},
                   {room && errors_.empty() ? git_.err.get() : -1, POLLIN, 0}};
  if (!gone_ && connection_.write_pending()) fds[0].events |= POLLOUT;
  const bool ready = room && (!output_.empty() || !errors_.empty());
  ::poll(fds, 4, ready ? 0 : 500);
}

// libssh opens its window anew at each read, whatever else it holds; so all it holds is taken, and only once git has
// swallowed the last of it.
void Transfer::take_input() {
  while (git_.in) {
    if (input_done_ == input_.size()) {
      const int available = gone_ ? 0 : ssh_channel_poll(connection_.channel, 0);
      if (available == SSH_EOF) git_.in.reset();
      if (available <= 0) return;
      input_.resize(static_cast<std::size_t>(available));
      const int n =
          ssh_channel_read_nonblocking(connection_.channel, input_.data(), static_cast<std::uint32_t>(available), 0);
      input_.resize(static_cast<std::size_t>(std::max(n, 0)));
      input_done_ = 0;
      if (n <= 0) return;
      last_byte_ = now_;
      received_ += n;
      window_bytes_ += n;
    }
    const ssize_t n = ::write(git_.in.get(), input_.data() + input_done_, input_.size() - input_done_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0)
      git_.in.reset();  // git reads no more; its output says why
    else
      input_done_ += static_cast<std::size_t>(n);
  }
}

void Transfer::pass_output(Descriptor& from, std::string& buffer, bool is_stderr) {
  while (from || !buffer.empty()) {
    if (buffer.empty()) {
      buffer.resize(kBlock);
      const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
      const int code = errno;
      buffer.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
      if (n == 0 || (n < 0 && code != EAGAIN && code != EINTR)) from.reset();
      if (n <= 0) return;
      if (push_ != nullptr && buffer.find(kDiskFull) != std::string::npos) disk_full_ = true;
    }
    if (gone_) {
      buffer.clear();
      continue;
    }
    const std::size_t room = std::min(connection_.writable(), buffer.size());
    if (room == 0) return;
    const int n = is_stderr
                      ? ssh_channel_write_stderr(connection_.channel, buffer.data(), static_cast<std::uint32_t>(room))
                      : ssh_channel_write(connection_.channel, buffer.data(), static_cast<std::uint32_t>(room));
    if (n < 0) return client_gone();
    if (n == 0) return;
    buffer.erase(0, static_cast<std::size_t>(n));
    last_byte_ = now_;
  }
}

void Transfer::enforce_limits() {
  if (stopped_) {
    if (now_ - stopped_at_ > 2 * kPatience) {
      git_.kill();
      gone_ = true;  // what a Client that reads nothing was still to be told would hold the session for ever
    } else if (now_ - stopped_at_ > kPatience) {
      git_.terminate();
    }
    return;
  }
  if (!receiving()) {
    // A Client that reads nothing would hold back the Deployment's lines, and so the Project's gate.
    if (!gone_ && (!output_.empty() || !errors_.empty()) && now_ - last_byte_ > limits_.silence) client_gone();
    return;
  }
  if (push_ != nullptr && received_ > limits_.max_push_bytes + (limits_.max_push_bytes >> 4) + (1 << 20))
    return stop(over_limit(limits_));  // git should have said so long ago
  if (now_ - begin_ > limits_.time)
    return stop({Code::kDeadlineExceeded,
                 fmt::format("the transfer took longer than {} s, the limit of this Service", limits_.time.count()),
                 "push in smaller steps, or use a faster connection"});
  if (now_ - last_byte_ > limits_.silence)
    return stop({Code::kDeadlineExceeded, fmt::format("nothing was transferred for {} s", limits_.silence.count()),
                 "check the connection and try again"});
  if (push_ == nullptr || now_ - window_begin_ < limits_.slow_window) return;
  // Silence has its own limit, for a client packs its objects before it sends; a steady trickle has none.
  const bool trickle =
      window_bytes_ > 0 && window_bytes_ < limits_.slow_bytes && now_ - last_byte_ < limits_.slow_window / 2;
  window_begin_ = now_;
  window_bytes_ = 0;
  if (trickle && git_.in && slow_before_)
    return stop({Code::kDeadlineExceeded, "the connection is too slow: less than 512 bytes a second",
                 "use a faster connection"});
  slow_before_ = trickle;
}

void Transfer::client_gone() {
  if (gone_) return;
  gone_ = true;
  output_.clear();
  errors_.clear();
  if (push_ != nullptr && !push_->abandon()) return;  // the Deployment goes on, and the branch moves where it succeeds
  stop({Code::kCancelled, "the Client is gone", ""});
  gate_.poke();
}

void Transfer::stop(Error error) {
  if (stopped_) return;
  stopped_ = true;
  stopped_at_ = now_;
  if (push_ != nullptr) push_->abandon();
  if (!gone_) connection_.say_error(error);
  git_.in.reset();  // index-pack fails at once, and receive-pack removes the quarantine; a signal to both would race
}

void Transfer::explain() {
  if (push_ == nullptr) return;
  if (disk_full_)
    connection_.say_error(disk_full());
  else if (received_ > limits_.max_push_bytes && !stopped_)
    connection_.say_error(over_limit(limits_));
}

}  // namespace paastech::git
