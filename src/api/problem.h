#pragma once
// The one mapper from an Error to an answer: RFC 9457 problems. Pure.
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace paastech::api {

// status 0, code empty: the Code's own (base/error.h).
net::HttpResponse problem(const Error& error, const std::string& request_id, int status = 0,
                          std::string_view code = {});
std::string problem_json(const Error& error, const std::string& request_id, int status = 0, std::string_view code = {});
// The headers of every answer: nothing is cached, nothing is guessed (threats 25 and 28).
void add_security_headers(net::Headers& headers);

}  // namespace paastech::api
