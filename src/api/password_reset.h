#pragma once
// A forgotten password set anew by a mailed link, behind the JSON routes and the pages. Whether an address is known
// shows neither in what is answered nor in how long that takes (threat 18). Thread: the control-plane loop.
#include <string>

#include "api/route.h"

namespace paastech::api {

// Mails a link where there is such an account; beside the answer.
net::Task<Status> ask_password_reset(CallPtr call, std::string email);
// Sets the password, confirms the address where that was still to be done, and ends all logins, but no tokens for
// programs. Gives how many logins. kNotFound: the link is not valid (any more).
net::Task<Result<std::int64_t>> complete_password_reset(CallPtr call, std::string secret, std::string password);
// The user name that the link is for; without using it up.
net::Task<Result<std::string>> look_at_password_reset(CallPtr call, std::string secret);

// After a change of password, in its transaction: ends the logins but one (empty: all), voids every link that was
// mailed, and tells the owner. Gives how many logins.
Result<std::int64_t> after_password_change(store::Tx& tx, Context& context, const store::ClientRow& client,
                                           const std::string& but, const std::string& address);

}  // namespace paastech::api
