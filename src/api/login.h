#pragma once
// The steps of a login, the same over the API and on the page. Thread: the control-plane loop.
#include <string>

#include "api/auth.h"
#include "api/route.h"

namespace paastech::api {

// By e-mail address and password. Sets call->tried. An unknown address and a wrong password read alike (threat 18);
// and so does the right password of an address that was never confirmed; that one is suspended is told after the right
// password only.
// kUnauthenticated, kResourceExhausted, kPermissionDenied, kUnavailable.
net::Task<Result<store::ClientRow>> prove_password(CallPtr call, std::string email, std::string password);
// The password of that Client, who may have confirmed no address yet. kPermissionDenied, kResourceExhausted,
// kUnavailable.
net::Task<Status> prove_password_of(CallPtr call, store::ClientRow client, std::string password);
// Once more the password of who is logged in, before what could lock the owner out. kPermissionDenied,
// kResourceExhausted, kUnavailable.
net::Task<Status> prove_password_again(CallPtr call, std::string password);
// The code of a second factor. kUnauthenticated, kResourceExhausted.
net::Task<Status> prove_code(CallPtr call, store::ClientRow client, std::string code);
// kind: cli | web.
net::Task<Result<NewToken>> start_session(CallPtr call, store::ClientRow client, std::string kind, std::string name);
// kFailedPrecondition where this Service can have no logins in browsers.
Status check_cookies(const Call& call);

// That the right password was given, for the page's second step, on which the password must not stand. Good for five
// minutes, and until the password changes.
std::string make_ticket(const Context& context, const store::ClientRow& client);
net::Task<Result<store::ClientRow>> redeem_ticket(CallPtr call, std::string ticket);  // kUnauthenticated

Status may_log_in(const store::ClientRow& client);  // kPermissionDenied: suspended

}  // namespace paastech::api
