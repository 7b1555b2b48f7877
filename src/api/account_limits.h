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
      : attempts(clock, 20, 60'000), mails_from(clock, 30, 3'600'000), mails_to(clock, 5, 3'600'000) {}
  RateLimit attempts;    // by address: each may cost a hash
  RateLimit mails_from;  // by address: each sends a mail to somebody who may not have asked for it
  RateLimit mails_to;    // by the mail's address: nobody's mailbox is filled
};

// Count a request, or refuse it with kResourceExhausted and Retry-After.
Status admit_attempt(Call& call);
Status admit_mail(Call& call, const std::string& to);

}  // namespace paastech::api
