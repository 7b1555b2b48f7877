#include "api/problem.h"

#include <boost/json.hpp>

#include "api/text_out.h"
#include "base/error.h"
#include "net/http.h"

namespace paastech::api {

std::string problem_json(const Error& error, const std::string& request_id, int status, std::string_view code) {
  if (status == 0) status = http_status(error.code);
  boost::json::object out;
  out["type"] = "about:blank";  // RFC 9457 section 4.2.1: the status says it; `code` is ours for programs
  out["title"] = net::reason_phrase(status);
  out["status"] = status;
  out["detail"] = safe_text(error.message);
  out["code"] = code.empty() ? code_name(error.code) : code;
  if (!error.hint.empty()) out["hint"] = safe_text(error.hint);
  out["request_id"] = request_id;
  return boost::json::serialize(out);
}

net::HttpResponse problem(const Error& error, const std::string& request_id, int status, std::string_view code) {
  net::HttpResponse response;
  response.status = status == 0 ? http_status(error.code) : status;
  response.headers.add("Content-Type", "application/problem+json");
  // RFC 6750 section 3: how to log in.
  if (response.status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"paastech\"");
  response.body = problem_json(error, request_id, status, code);
  return response;
}

void add_security_headers(net::Headers& headers) {
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("Cache-Control", "no-store");
}

}  // namespace paastech::api
