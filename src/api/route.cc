#include "api/route.h"

#include <algorithm>

#include "base/text.h"

namespace paastech::api {
namespace {

// Both are split at '/'.
bool matches(const std::vector<std::string>& parts, const std::vector<std::string>& path,
             std::map<std::string, std::string, std::less<>>& parameters) {
  if (parts.size() != path.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].starts_with('{')) {
      if (path[i].empty()) return false;
      parameters[parts[i].substr(1, parts[i].size() - 2)] = path[i];
    } else if (parts[i] != path[i]) {
      return false;
    }
  }
  return true;
}

// The paths of the table's routes, split, in its order.
const std::vector<std::vector<std::string>>& split_paths() {
  static const std::vector<std::vector<std::string>> paths = [] {
    std::vector<std::vector<std::string>> out;
    for (const Route& route : route_table()) out.push_back(split(route.info.path, '/'));
    return out;
  }();
  return paths;
}

}  // namespace

const std::vector<Route>& route_table() {
  static const std::vector<Route> table = [] {
    std::vector<Route> routes;
    add_service_routes(routes);
    add_contract_routes(routes);
    add_session_routes(routes);
    add_client_routes(routes);
    add_sign_up_routes(routes);
    add_password_routes(routes);
    add_account_routes(routes);
    add_invitation_routes(routes);
    add_sign_up_pages(routes);
    add_password_pages(routes);
    add_key_routes(routes);
    add_token_routes(routes);
    add_device_routes(routes);
    add_two_factor_routes(routes);
    add_login_pages(routes);
    add_device_pages(routes);
    add_project_routes(routes);
    add_member_routes(routes);
    add_project_invitation_routes(routes);
    add_project_invitation_pages(routes);
    add_audit_routes(routes);
    add_plan_routes(routes);
    add_announcement_routes(routes);
    add_overview_routes(routes);
    add_application_routes(routes);
    add_process_routes(routes);
    add_environment_routes(routes);
    add_deployment_routes(routes);
    add_registry_routes(routes);
    add_deployment_log_routes(routes);
    add_log_routes(routes);
    add_stats_routes(routes);
    add_metrics_routes(routes);
    return routes;
  }();
  return table;
}

Match match_route(std::string_view method, std::string_view path) {
  Match match;
  const std::vector<std::string> parts = split(path, '/');
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  // A path that stands in the table word for word is no other route's `{part}` (OpenAPI 3.1, Paths Object). One that
  // has the braces of a part itself names nothing but that.
  const auto is_literal = [path](const Route& route) {
    return route.info.path == path && path.find('{') == std::string_view::npos;
  };
  const std::vector<Route>& table = route_table();
  const bool literal = std::any_of(table.begin(), table.end(), is_literal);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Route& route = table[i];
    std::map<std::string, std::string, std::less<>> parameters;
    if (literal ? !is_literal(route) : !matches(split_paths()[i], parts, parameters)) continue;
    if (route.info.method == wanted) {
      match.route = &route;
      match.parameters = std::move(parameters);
      return match;
    }
    if (!match.allowed.empty()) match.allowed += ", ";
    match.allowed += route.info.method;
    if (route.info.method == "GET") match.allowed += ", HEAD";
  }
  return match;
}

net::HttpResponse json_answer(int status, const boost::json::object& body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = boost::json::serialize(body);
  return response;
}

net::HttpResponse no_content() {
  net::HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace paastech::api
