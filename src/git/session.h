#pragma once
// One SSH connection from key exchange to its end, on the thread that calls run. Public keys only; the identity is the
// key whose signature verified, never one that was merely offered (threat 16). One channel, one command.
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "git/command_line.h"
#include "git/session_context.h"
#include "git/ssh_channel.h"

namespace paastech::git {

class Session {
 public:
  // Takes over the session, whose socket is open; frees it.
  Session(SessionContext& context, ssh_session session, std::string peer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void run(const std::function<void()>& on_authenticated);
  bool was_refused() const { return !identity_ && failures_ > 0; }  // a login was tried and failed; after run()

 private:
  struct Request {
    bool shell = false;
    std::string command;
  };

  bool authenticate();
  bool await_request();
  int serve();
  gateway::v1::AuthorizeRequest authorize_request(const GitCommand& command) const;
  Result<int> serve_git(const std::string& line);
  Result<int> transfer(const gateway::v1::Repository& repository, bool write, Push* push);
  void repack_if_needed();
  int check_key(ssh_key key, char state);
  void tell_unknown_key(const std::string& fingerprint, const Error& error);

  static int on_pubkey(ssh_session, const char* user, ssh_key_struct* key, char state, void* self);
  static ssh_channel on_channel(ssh_session session, void* self);
  static int on_exec(ssh_session, ssh_channel, const char* command, void* self);
  static int on_shell(ssh_session, ssh_channel, void* self);
  static int on_environment(ssh_session, ssh_channel, const char* name, const char* value, void* self);

  SessionContext& context_;
  SshConnection connection_;
  std::string peer_;
  ssh_server_callbacks_struct server_callbacks_{};
  ssh_channel_callbacks_struct channel_callbacks_{};
  std::optional<gateway::v1::Identity> identity_;
  std::string fingerprint_;  // of the key that the identity has
  std::vector<std::string> unknown_keys_;
  int failures_ = 0;
  int offers_ = 0;
  std::optional<Request> request_;
  std::string git_protocol_;
  std::string pushed_project_;
};

}  // namespace paastech::git
