#pragma once
// How often anybody may ask at all, so that one Client's runaway program or one stranger leaves room for the others.
// Far above what honest ones do; the tighter limits of ways into an account are in api/account_limits.h. Thread: the
// control-plane loop.
#include "api/context.h"
#include "base/rate_limit.h"

namespace paastech::api {

struct Call;

struct RequestLimits {
  RequestLimits(const Clock& clock, const RequestRates& rates)
      : reads(clock, rates.reads), changes(clock, rates.changes), anonymous(clock, rates.anonymous) {}
  RequestRate reads;      // by Client, over all its logins and tokens
  RequestRate changes;    // the same
  RequestRate anonymous;  // by address
};

// Counts a request once it is known who asks, or refuses it with kResourceExhausted and Retry-After. What the machine
// itself asks without a login is not counted: health checks and the scraping of figures.
Status admit_request(Call& call);

}  // namespace paastech::api
