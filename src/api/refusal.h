#pragma once
// Refusals that say more to programs than an Error holds. Thread: the control-plane loop.
#include "api/route.h"

namespace paastech::api {

// 429 with Retry-After. what: "failed logins within a minute". advice: beside that to wait.
std::unexpected<Error> too_many(Call& call, std::int64_t retry_after_ms, std::string_view what,
                                std::string_view advice = "");
// With a status and a `code` of its own.
std::unexpected<Error> refuse(Call& call, int status, std::string code, Error error);

}  // namespace paastech::api
