#pragma once
// The route table: what each route declares, and the one call that a handler gets. Thread: the control-plane loop.
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/account_limits.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/context.h"
#include "api/idempotency.h"
#include "api/open_streams.h"
#include "api/query.h"
#include "api/request_limits.h"
#include "domain/policy.h"
#include "net/http_server.h"

namespace paastech::api {

// A Permission that has to be said: a route that leaves it out does not compile.
class RoutePermission {
 public:
  constexpr RoutePermission(Permission permission) : permission_(permission) {}
  constexpr operator Permission() const { return permission_; }

 private:
  Permission permission_;
};

struct RouteInfo {
  std::string_view method;
  std::string_view path;  // "/api/v1/projects/{project}"
  RoutePermission permission;
  std::string_view action = {};  // "project.create": what the audit log calls it; of every route that changes something
  bool page = false;  // answers HTML to a browser: refusals are pages, and who has not logged in is led to /login
};

struct RequestCounts {
  std::map<int, std::int64_t> by_class = {};  // 2 → answers of 2xx
};

struct Services {
  Context& context;
  Auth auth;
  Audit audit;
  Idempotency idempotency{context};
  RequestCounts counts = {};
  RateLimit invitations{context.clock, 50, 3'600'000};  // to Projects, of one Client: each is a mail to somebody
  RateLimit device_starts{context.clock, 10, 60'000};   // of one address
  RateLimit device_guesses{context.clock, 10, 60'000};  // at user codes, of one account and of one address
  AccountLimits account_limits{context.clock};
  RequestLimits request_limits{context.clock, context.rates};
  OpenStreams streams = {};
};

// One request, authorised: by the time a handler runs, the policy has allowed the route's permission on `project`.
struct Call {
  Services& services;
  net::ServerRequest request;
  const RouteInfo* route = nullptr;       // once it is known
  net::ResponseWriter* writer = nullptr;  // of streaming routes only: a change may outlive its connection
  std::map<std::string, std::string, std::less<>> parameters = {};
  Query query = {};
  boost::json::object body = {};
  Actor actor = {};
  IdentityPtr identity = {};                   // set where anybody logged in
  Resource resource = {};                      // what the permission was asked for; for asking a further one
  std::string address = {};                    // of who asks: the peer, or what a trusted proxy says of it
  std::optional<store::ClientRow> tried = {};  // whose password a login gave, also where the login was refused then
  bool page = false;                           // the route is one
  int refusal_status = 0;                      // of a problem, where its Code's own will not do
  std::string refusal_code = {};               // the same of its `code`
  store::ProjectRow project = {};              // set where the path names one
  std::string object = {};                     // for the audit log: what it was done on, where the path does not say it
  bool begun = false;                          // the handler was called: the policy let it through
  bool audited = false;                        // the audit log has it already
  net::Headers answer_headers = {};            // added to the answer, also to a problem
  int streamed_status = 0;                     // what a streaming handler has answered itself
  Context& context() { return services.context; }
};
using CallPtr = std::shared_ptr<Call>;

// nullopt: the handler has answered through call->writer.
using Answer = std::optional<net::HttpResponse>;
using Handler = net::Task<Result<Answer>> (*)(CallPtr call);

enum class BodyKind { kNone, kJson, kForm };  // kForm: of a page, application/x-www-form-urlencoded

struct Route {
  RouteInfo info;
  Handler handler = nullptr;
  BodyKind body = BodyKind::kNone;
  std::vector<std::string_view> query = {};
};

// http/*.cc: one function a noun.
void add_service_routes(std::vector<Route>& routes);
void add_contract_routes(std::vector<Route>& routes);
void add_session_routes(std::vector<Route>& routes);
void add_client_routes(std::vector<Route>& routes);
void add_sign_up_routes(std::vector<Route>& routes);
void add_password_routes(std::vector<Route>& routes);
void add_account_routes(std::vector<Route>& routes);
void add_invitation_routes(std::vector<Route>& routes);
void add_sign_up_pages(std::vector<Route>& routes);
void add_password_pages(std::vector<Route>& routes);
void add_key_routes(std::vector<Route>& routes);
void add_token_routes(std::vector<Route>& routes);
void add_device_routes(std::vector<Route>& routes);
void add_two_factor_routes(std::vector<Route>& routes);
void add_login_pages(std::vector<Route>& routes);
void add_device_pages(std::vector<Route>& routes);
void add_project_routes(std::vector<Route>& routes);
void add_member_routes(std::vector<Route>& routes);
void add_project_invitation_routes(std::vector<Route>& routes);
void add_project_invitation_pages(std::vector<Route>& routes);
void add_audit_routes(std::vector<Route>& routes);
void add_plan_routes(std::vector<Route>& routes);
void add_announcement_routes(std::vector<Route>& routes);
void add_overview_routes(std::vector<Route>& routes);
void add_application_routes(std::vector<Route>& routes);
void add_process_routes(std::vector<Route>& routes);
void add_environment_routes(std::vector<Route>& routes);
void add_deployment_routes(std::vector<Route>& routes);
void add_registry_routes(std::vector<Route>& routes);
void add_deployment_log_routes(std::vector<Route>& routes);
void add_log_routes(std::vector<Route>& routes);
void add_stats_routes(std::vector<Route>& routes);
void add_metrics_routes(std::vector<Route>& routes);

const std::vector<Route>& route_table();

struct Match {
  const Route* route = nullptr;  // null: see allowed
  std::string allowed = {};      // "GET, POST" where the path exists under other methods; empty: no such path
  std::map<std::string, std::string, std::less<>> parameters = {};
};
Match match_route(std::string_view method, std::string_view path);  // HEAD is answered by GET's route

net::HttpResponse json_answer(int status, const boost::json::object& body);
net::HttpResponse no_content();  // 204

}  // namespace paastech::api
