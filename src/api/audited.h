#pragma once
// The handler of a change, and then its row in the audit log. To be run shielded: a change whose caller hangs up has
// its row too. Thread: the control-plane loop.
#include "api/route.h"

namespace paastech::api {

net::Task<Result<Answer>> audited(const Route* route, CallPtr call);

}  // namespace paastech::api
