#pragma once
// How often the ways into an account may be tried by those who have not logged in (threats 18 and 26). Thread: the
// control-plane loop.
#include <string>

#include "base/rate_limit.h"
#include "base/result.h"

namespace paastech::api {

struct Call;

struct AccountLimits {
  explicit AccountLimits(const Clock& clock)
      : attempts(clock, 20, 60'000),
        mails_from(clock, 30, 3'600'000),
        mails_to(clock, 5, 3'600'000),
        resets_to(clock, 5, 3'600'000) {}
  RateLimit attempts;    // by address: each may cost a hash
  RateLimit mails_from;  // by address: each sends a mail to somebody who may not have asked for it
  RateLimit mails_to;    // by the mail's address: nobody's mailbox is filled
  RateLimit resets_to;   // the same of links to set a password, which nothing else may use up
};

// Count a request, or refuse it with kResourceExhausted and Retry-After.
Status admit_attempt(Call& call);
Status admit_mail(Call& call, const std::string& to);
// The same for a link to set a password. false: none goes out, but it is no reason to refuse: of those that strangers
// asked for the owner has the newest, which holds as long as the limit counts.
Result<bool> admit_reset_mail(Call& call, const std::string& to);

}  // namespace paastech::api
