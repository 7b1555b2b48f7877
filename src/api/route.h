#pragma once
// The route table: what each route declares, and the one call that a handler gets. Thread: the control-plane loop.
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/auth.h"
#include "api/context.h"
#include "api/query.h"
#include "domain/policy.h"
#include "net/http_server.h"

namespace paastech::api {

struct RouteInfo {
  std::string_view method;
  std::string_view path;  // "/api/v1/projects/{project}"
  Permission permission = Permission::kMetricsRead;
};

struct RequestCounts {
  std::map<int, std::int64_t> by_class = {};  // 2 → answers of 2xx
};

struct Services {
  Context& context;
  Auth auth;
  RequestCounts counts = {};
};

// One request, authorised: by the time a handler runs, the policy has allowed the route's permission on `project`.
struct Call {
  Services& services;
  net::ServerRequest request;
  net::ResponseWriter* writer = nullptr;  // of streaming routes only: a change may outlive its connection
  std::map<std::string, std::string, std::less<>> parameters = {};
  Query query = {};
  boost::json::object body = {};
  Actor actor = {};
  std::optional<Identity> identity = {};  // set where anybody logged in
  store::ProjectRow project = {};         // set where the path names one
  net::Headers answer_headers = {};       // added to the answer, also to a problem
  int streamed_status = 0;                // what a streaming handler has answered itself
  Context& context() { return services.context; }
};
using CallPtr = std::shared_ptr<Call>;

// nullopt: the handler has answered through call->writer.
using Answer = std::optional<net::HttpResponse>;
using Handler = net::Task<Result<Answer>> (*)(CallPtr call);

struct Route {
  RouteInfo info;
  Handler handler = nullptr;
  bool has_body = false;
  std::vector<std::string_view> query = {};
};

// http/*.cc: one function a noun.
void add_service_routes(std::vector<Route>& routes);
void add_session_routes(std::vector<Route>& routes);
void add_client_routes(std::vector<Route>& routes);
void add_key_routes(std::vector<Route>& routes);
void add_project_routes(std::vector<Route>& routes);
void add_application_routes(std::vector<Route>& routes);
void add_environment_routes(std::vector<Route>& routes);
void add_deployment_routes(std::vector<Route>& routes);
void add_deployment_log_routes(std::vector<Route>& routes);
void add_log_routes(std::vector<Route>& routes);
void add_metrics_routes(std::vector<Route>& routes);

const std::vector<Route>& route_table();

struct Match {
  const Route* route = nullptr;  // null: see allowed
  std::string allowed = {};      // "GET, POST" where the path exists under other methods; empty: no such path
  std::map<std::string, std::string, std::less<>> parameters = {};
};
Match match_route(std::string_view method, std::string_view path);  // HEAD is answered by GET's route

net::HttpResponse json_answer(int status, const boost::json::object& body);

}  // namespace paastech::api
