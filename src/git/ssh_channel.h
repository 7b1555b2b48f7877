#pragma once
// An authenticated SSH connection with its one channel. Thread: its session's only.
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include <string_view>

#include "base/result.h"

namespace paastech::git {

struct SshConnection {
  ssh_session session = nullptr;
  ssh_event event = nullptr;      // polls this session and nothing else
  ssh_channel channel = nullptr;  // belongs to the session

  // Handles what has arrived, up to a bound; false: the Client is gone.
  bool pump();
  bool connected() const;
  bool write_pending() const { return (ssh_get_poll_flags(session) & SSH_WRITE_PENDING) != 0; }
  // How much may be written now without growing memory: the Client's window, or 0 while bytes wait in the socket.
  std::size_t writable() const;
  void say_error(const Error& error);  // to the Client's stderr, "error: …" and "hint: …"
  void say(std::string_view text);
  // Sends the exit status and closes the channel, waiting a few seconds at most for it to arrive.
  void finish(int exit_status);
};

}  // namespace paastech::git
