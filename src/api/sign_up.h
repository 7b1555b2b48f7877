#pragma once
// How strangers get an account, behind the JSON routes and the pages. Whether an address is known shows neither in what
// is answered nor in how long that takes (threat 18). Thread: the control-plane loop.
#include <optional>
#include <string>

#include "api/route.h"

namespace paastech::api {

struct SignUpRequest {
  std::string email;
  std::string username;
  std::string password;
  std::string invitation = {};  // the secret of one; empty: without
};
// The account, where an invitation proved the address: it can log in. Nothing: a mail says how it goes on.
// kPermissionDenied: this Service does not take strangers; kAlreadyExists: the user name is taken, which is no secret.
net::Task<Result<std::optional<store::ClientRow>>> sign_up(CallPtr call, SignUpRequest wanted);

struct Proven {
  std::string username;
  std::string email;
  bool needs_password = false;  // to be confirmed
};
// Confirms a new account's address, or an account's new one. A new account needs its password too: whoever has the
// mailbox must not make an account work that a stranger signed up for, with the stranger's password (the mail's other
// way is to set a new one). Refused, the link stays usable. kNotFound: the link is not valid (any more);
// kInvalidArgument, kPermissionDenied, kResourceExhausted: the password is missing, wrong, or was so too often.
net::Task<Result<Proven>> confirm_address(CallPtr call, std::string secret, std::string password);
// The same without doing it: whether the link would work, and what for.
net::Task<Result<Proven>> look_at_confirmation(CallPtr call, std::string secret);
// Mails the link again, where there is an unconfirmed account; beside the answer.
net::Task<Status> send_confirmation(CallPtr call, std::string email);

}  // namespace paastech::api
