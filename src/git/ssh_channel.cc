#include "git/ssh_channel.h"

#include <poll.h>

#include <chrono>
#include <string>

namespace paastech::git {
namespace {

constexpr int kReadsPerTurn = 64;  // libssh reads 4 KiB at a time: a quarter of a MiB a turn
constexpr std::chrono::seconds kFarewell(3);

}  // namespace

bool SshConnection::connected() const {
  return ssh_is_connected(session) == 1 && (ssh_get_status(session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0;
}

bool SshConnection::pump() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const int code = ssh_event_dopoll(event, 0);
    if (code == SSH_ERROR || !connected()) return false;
    if (code == SSH_AGAIN) break;
  }
  return channel == nullptr || !ssh_channel_is_closed(channel);
}

std::size_t SshConnection::writable() const { return write_pending() ? 0 : ssh_channel_window_size(channel); }

void SshConnection::say(std::string_view text) {
  ssh_channel_write_stderr(channel, text.data(), static_cast<std::uint32_t>(text.size()));
}

void SshConnection::say_error(const Error& error) {
  say("error: " + error.message + "\n");
  if (!error.hint.empty()) say("hint: " + error.hint + "\n");
}

void SshConnection::finish(int exit_status) {
  ssh_channel_request_send_exit_status(channel, exit_status);
  ssh_channel_send_eof(channel);
  ssh_channel_close(channel);
  const auto deadline = std::chrono::steady_clock::now() + kFarewell;
  // Closing first could overtake the exit status: ssh closes the connection once its one channel is closed.
  while (connected() && std::chrono::steady_clock::now() < deadline) {
    pollfd wait{ssh_get_fd(session), static_cast<short>(POLLIN | (write_pending() ? POLLOUT : 0)), 0};
    ::poll(&wait, 1, 200);
    if (ssh_event_dopoll(event, 0) == SSH_ERROR) return;
  }
}

}  // namespace paastech::git
