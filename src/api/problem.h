#pragma once
// The one mapper from an Error to an answer: RFC 9457 problems. Pure.
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace paastech::api {

// status 0: the Code's own (base/error.h).
net::HttpResponse problem(const Error& error, const std::string& request_id, int status = 0);
std::string problem_json(const Error& error, const std::string& request_id, int status = 0);
// The headers of every answer: nothing is cached, nothing is guessed (threats 25 and 28).
void add_security_headers(net::Headers& headers);

}  // namespace paastech::api
