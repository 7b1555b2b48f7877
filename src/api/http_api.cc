#include "api/http_api.h"

#include "api/json_body.h"
#include "api/problem.h"
#include "api/shield.h"
#include "api/text_out.h"
#include "base/text.h"

namespace paastech::api {
namespace {

bool is_local(const net::ServerRequest& request) {
  // Behind a proxy on this machine every peer looks local, so a request that came through one does not count.
  if (request.headers.find("X-Forwarded-For") || request.headers.find("Forwarded")) return false;
  const std::string address = address_key(request.peer);
  return address.starts_with("127.") || request.peer == "::1";
}

bool is_json(const net::ServerRequest& request) {
  const std::string type = request.headers.find("Content-Type").value_or("");
  return lower(trim(std::string_view(type).substr(0, type.find(';')))) == "application/json";
}

// Sets *status where the answer's is not the Code's own.
Result<boost::json::object> read_body(const Call& call, const Route& route, int* status) {
  const std::string& text = call.request.body;
  if (text.empty() && !route.has_body) return boost::json::object();
  if (!is_json(call.request)) {
    *status = 415;
    return fail(Code::kInvalidArgument, "the body's type must be application/json",
                "send the header Content-Type: application/json");
  }
  Result<boost::json::object> body = parse_body(text);
  if (!body) *status = 400;
  return body;
}

}  // namespace

HttpApi::HttpApi(Context& context) : services_(new Services{context, Auth(context)}) {}
HttpApi::~HttpApi() = default;

const std::vector<RouteInfo>& HttpApi::routes() {
  static const std::vector<RouteInfo> infos = [] {
    std::vector<RouteInfo> out;
    for (const Route& route : route_table()) out.push_back(route.info);
    return out;
  }();
  return infos;
}

net::Task<void> HttpApi::handle(net::ServerRequest request, net::ResponseWriter& writer) {
  const auto start = std::chrono::steady_clock::now();
  auto call = std::make_shared<Call>(Call{*services_, std::move(request)});
  int status = 0;
  co_await answer(call, &writer, &status);
  ++services_->counts.by_class[status / 100];
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  // Neither query nor body nor headers: they may hold secrets.
  spdlog::debug("{} {} {} {} ms id={} peer={}", safe_line(call->request.method), safe_line(call->request.path), status,
                took.count(), call->request.id, call->request.peer);
}

net::Task<void> HttpApi::answer(CallPtr call, net::ResponseWriter* writer, int* status) {
  int override_status = 0;
  Result<Answer> answer = fail(Code::kInternal, "the request ended without an answer");
  try {
    answer = co_await dispatch(call, writer, &override_status);
  } catch (const boost::system::system_error& e) {
    if (e.code() == net::asio::error::operation_aborted) throw;  // the peer is gone, or the Service stops
    spdlog::error("request {}: {}", call->request.id, e.what());
    answer = fail(Code::kInternal, "an internal error; the Service's log names it under the request id");
  } catch (const std::exception& e) {
    spdlog::error("request {}: {}", call->request.id, e.what());
    answer = fail(Code::kInternal, "an internal error; the Service's log names it under the request id");
  }
  *status = call->streamed_status;
  if (call->streamed_status != 0) co_return;
  if (!answer && answer.error().code == Code::kInternal)
    spdlog::error("request {}: {}", call->request.id, safe_line(answer.error().message));
  net::HttpResponse response;
  if (!answer) {
    response = problem(answer.error(), call->request.id, override_status);
  } else if (*answer) {
    response = std::move(**answer);
  }
  add_security_headers(response.headers);
  for (const auto& [name, value] : call->answer_headers.items()) response.headers.add(name, value);
  *status = response.status;
  [[maybe_unused]] Status sent = co_await writer->send(std::move(response));
}

net::Task<Result<Answer>> HttpApi::dispatch(CallPtr call, net::ResponseWriter* writer, int* status) {
  Match match = match_route(call->request.method, call->request.path);
  if (match.route == nullptr && match.allowed.empty())
    co_return fail(Code::kNotFound, "there is no such route", "the routes are described in api/openapi.yaml");
  if (match.route == nullptr) {
    *status = 405;
    call->answer_headers.add("Allow", match.allowed);
    co_return fail(Code::kInvalidArgument, "this route does not take " + safe_line(call->request.method),
                   "it takes " + match.allowed);
  }
  const Route& route = *match.route;
  call->parameters = std::move(match.parameters);
  CO_TRY(co_await identify(call, route.info.permission));
  CO_TRY_ASSIGN(call->query, Query::parse(call->request.query, route.query));
  if (route.info.method == "GET") {
    call->writer = writer;
    Result<Answer> read = co_await route.handler(call);
    co_return read;
  }
  CO_TRY_ASSIGN(call->body, read_body(*call, route, status));
  if (!route.has_body) {
    Body nothing(call->body);
    CO_TRY(nothing.finish());
  }
  Result<Answer> changed = co_await shielded(services_->context.tasks, "api change", route.handler(call));
  co_return changed;
}

// Authenticates, loads the Project that the path names, and asks the policy.
net::Task<Status> HttpApi::identify(CallPtr call, Permission permission) {
  call->actor.local = is_local(call->request);
  const std::string authorization = call->request.headers.find("Authorization").value_or("");
  if (permission != Permission::kPublic && !authorization.empty()) {
    CO_TRY_ASSIGN(call->identity, co_await services_->auth.authenticate(authorization));
  }
  if (call->identity) {
    call->actor.client_id = call->identity->client.id;
    call->actor.administrator = call->identity->client.administrator;
  }
  Resource resource = Resource::none();
  const auto named = call->parameters.find("project");
  if (named != call->parameters.end()) {
    const std::string name = named->second;
    resource = Resource::missing_project(name);
    if (call->identity) {
      auto find = [name](store::Tx& tx) { return store::find_project(tx, name); };
      Result<store::ProjectRow> project = co_await services_->context.database.read(std::move(find));
      if (!project && project.error().code != Code::kNotFound) co_return std::unexpected(project.error());
      if (project) {
        call->project = std::move(*project);
        resource = Resource::project(call->project.owner_id, name);
      }
    }
  }
  co_return allow(call->actor, permission, resource);
}

}  // namespace paastech::api
