// What the Service is, and who is logged in.
#include "api/route.h"
#include "api/views.h"

namespace paastech::api {
namespace {

std::string_view to_text(SignUp mode) {
  if (mode == SignUp::kOpen) return "open";
  return mode == SignUp::kInvite ? "invite" : "closed";
}

net::Task<Result<Answer>> show_service(CallPtr call) {
  const Context& context = call->context();
  co_return json_answer(200, {{"version", context.info.version},
                              {"api_version", "v1"},
                              {"fqdn", context.address.fqdn},
                              {"sign_up", to_text(context.accounts.sign_up)},
                              {"ssh_host", context.address.ssh_host},
                              {"ssh_port", context.address.ssh_port},
                              {"ssh_fingerprint", context.info.ssh_fingerprint}});
}

net::Task<Result<Answer>> show_me(CallPtr call) { co_return json_answer(200, to_json(call->identity->client)); }

}  // namespace

void add_service_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/service", Permission::kPublic}, show_service});
  routes.push_back({{"GET", "/api/v1/me", Permission::kAccountRead}, show_me});
}

}  // namespace paastech::api
