#pragma once
// A streamed answer of server-sent events. Thread: the control-plane loop.
#include <memory>

#include "api/events.h"
#include "api/route.h"

namespace paastech::api {

// kPermissionDenied where another site makes a browser ask, with the login's cookie (threat 29). Before send_events.
Status admit_reader(const Call& call);
// Sends what the source gives until it ends or the peer is gone; then the source is abandoned.
// Every 15 s, however busy it is, and at once after a change that takes access from its reader (open_streams.h), the
// stream asks again who reads it: where the login has ended or may no longer read the Project, an event `error` says so
// and is the last.
net::Task<Result<Answer>> send_events(CallPtr call, std::shared_ptr<EventSource> source);
// What went wrong after the answer had begun: event `error` with a problem as data.
std::string error_event(const Error& error, const std::string& request_id);

}  // namespace paastech::api
