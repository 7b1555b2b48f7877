// The contract itself, and the viewer that shows it: swagger-ui-dist, from this server alone.
#include "api/contract/contract.h"
#include "api/contract/embedded.h"

namespace paastech::api {
namespace {

net::HttpResponse file(std::string_view type, std::string_view body, bool zipped = false) {
  net::HttpResponse response;
  response.headers.add("Content-Type", std::string(type));
  // Without regard to Accept-Encoding: every browser takes gzip, and what says nothing takes all (RFC 9110, 12.5.3).
  if (zipped) response.headers.add("Content-Encoding", "gzip");
  response.body = std::string(body);
  return response;
}

net::Task<Result<Answer>> show_yaml(CallPtr) { co_return file("application/yaml", embedded::openapi()); }

net::Task<Result<Answer>> show_json(CallPtr) {
  const Result<Contract>& contract = built_in_contract();
  if (!contract) co_return std::unexpected(contract.error());
  static const std::string text = boost::json::serialize(contract->document());
  co_return file("application/json", text);
}

net::Task<Result<Answer>> show_viewer(CallPtr) {
  net::HttpResponse page = file(
      "text/html; charset=utf-8",
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Client API – PaaSTech</title>"
      "<link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\"></head>\n"
      "<body><main id=\"contract\"><noscript>The contract as text: <a href=\"/api/v1/openapi.yaml\">openapi.yaml</a>"
      "</noscript></main>\n<script src=\"/docs/swagger-ui-bundle.js\"></script>"
      "<script src=\"/docs/start.js\"></script></body></html>\n");
  // The viewer's icons are data: URLs in its style sheet, and it sets styles by script.
  page.headers.add("Content-Security-Policy",
                   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                   "form-action 'none'; base-uri 'none'; frame-ancestors 'none'");
  page.headers.add("Referrer-Policy", "no-referrer");
  co_return page;
}

net::Task<Result<Answer>> show_viewer_file(CallPtr call) {
  const std::string& name = call->parameters["file"];
  if (name == "start.js") co_return file("text/javascript; charset=utf-8", embedded::viewer_start());
  if (name == "swagger-ui-bundle.js") co_return file("text/javascript; charset=utf-8", embedded::viewer_script(), true);
  if (name == "swagger-ui.css") co_return file("text/css; charset=utf-8", embedded::viewer_style(), true);
  co_return fail(Code::kNotFound, "the viewer has no such file", "the viewer is at /docs");
}

}  // namespace

void add_contract_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/openapi.yaml", Permission::kPublic}, show_yaml});
  routes.push_back({{"GET", "/api/v1/openapi.json", Permission::kPublic}, show_json});
  routes.push_back({{"GET", "/docs", Permission::kPublic}, show_viewer});
  routes.push_back({{"GET", "/docs/{file}", Permission::kPublic}, show_viewer_file});
}

}  // namespace paastech::api
