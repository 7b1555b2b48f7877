#include "api/http_api.h"

#include "api/audited.h"
#include "api/contract/contract.h"
#include "api/json_body.h"
#include "api/origin.h"
#include "api/pages/page.h"
#include "api/problem.h"
#include "api/request_log.h"
#include "api/shield.h"
#include "api/text_out.h"
#include "base/error.h"
#include "base/text.h"
#include "base/url.h"
#include "store/members.h"

namespace paastech::api {
namespace {

bool is_local(const net::ServerRequest& request) {
  // Behind a proxy on this machine every peer looks local, so a request that came through one does not count.
  if (request.headers.find("X-Forwarded-For") || request.headers.find("Forwarded")) return false;
  const std::string address = address_key(request.peer);
  return address.starts_with("127.") || request.peer == "::1";
}

std::string media_type(const net::ServerRequest& request) {
  const std::string type = request.headers.find("Content-Type").value_or("");
  return lower(trim(std::string_view(type).substr(0, type.find(';'))));
}

Result<boost::json::object> read_body(Call& call, const Route& route) {
  const std::string& text = call.request.body;
  if (text.empty() && route.body == BodyKind::kNone) return boost::json::object();
  const bool form = route.body == BodyKind::kForm;
  if (text.empty() && form) return boost::json::object();  // one without fields has no type either
  const std::string wanted = form ? "application/x-www-form-urlencoded" : "application/json";
  if (media_type(call.request) != wanted) {
    call.refusal_status = 415;
    return fail(Code::kInvalidArgument, "the body's type must be " + wanted, "send the header Content-Type: " + wanted);
  }
  Result<boost::json::object> body = form ? parse_form(text) : parse_body(text);
  if (!body) call.refusal_status = 400;
  return body;
}

Result<const Operation*> operation_of(const RouteInfo& route) {
  const Result<Contract>& contract = built_in_contract();
  if (!contract) return std::unexpected(contract.error());
  const Operation* operation = contract->find(route.method, route.path);
  if (operation == nullptr) return fail(Code::kInternal, "this route is not described in api/openapi.yaml");
  return operation;
}

// To the login, and from there back.
net::HttpResponse login_first(const net::ServerRequest& request) {
  net::HttpResponse response;
  response.status = 303;
  const std::string back = request.path + (request.query.empty() ? "" : "?" + request.query);
  const bool can_go_back = request.method == "GET" && !local_path(back).empty();
  response.headers.add("Location", can_go_back ? "/login?then=" + percent_encoded(back) : "/login");
  return response;
}

using Found = std::pair<store::ProjectRow, Role>;

Result<Found> find_for(store::Tx& tx, const std::string& name, const std::string& client) {
  TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, name));
  TRY_ASSIGN(const Role role, store::role_in(tx, project, client));
  return Found{std::move(project), role};
}

net::HttpResponse refusal_of(const Call& call, const Error& error) {
  const int status = call.refusal_status != 0 ? call.refusal_status : http_status(error.code);
  net::HttpResponse response =
      call.page ? error_page(status, error) : problem(error, call.request.id, status, call.refusal_code);
  // Of 429, where the handler knows no better: what is full is not emptied within seconds.
  if ((status == 503 || status == 429) && !call.answer_headers.find("Retry-After"))
    response.headers.add("Retry-After", status == 503 ? "5" : "60");
  return response;
}

}  // namespace

HttpApi::HttpApi(Context& context)
    : services_(new Services{context, Auth(context), Audit(context)}), log_(new RequestLog(context.clock)) {}
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
  call->address = client_address(call->request, services_->context.trusted_proxy);
  Ended ended;
  co_await answer(call, &writer, &ended);
  ++services_->counts.by_class[ended.status / 100];
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  log_->note(*call, ended.status, took, ended.error ? &*ended.error : nullptr);
}

net::Task<void> HttpApi::answer(CallPtr call, net::ResponseWriter* writer, Ended* ended) {
  Result<Answer> answer = fail(Code::kInternal, "the request ended without an answer");
  try {
    answer = co_await dispatch(call, writer);
  } catch (const boost::system::system_error& e) {
    if (e.code() == net::asio::error::operation_aborted) throw;  // the peer is gone, or the Service stops
    spdlog::error("request {}: {}", call->request.id, e.what());
    answer = fail(Code::kInternal, "an internal error; the Service's log names it under the request id");
  } catch (const std::exception& e) {
    spdlog::error("request {}: {}", call->request.id, e.what());
    answer = fail(Code::kInternal, "an internal error; the Service's log names it under the request id");
  }
  ended->status = call->streamed_status;
  if (call->streamed_status != 0) co_return;
  if (!answer) note_refusal(*call, answer.error());
  if (!answer && answer.error().code == Code::kInternal)
    spdlog::error("request {}: {}", call->request.id, safe_line(answer.error().message));
  net::HttpResponse response;
  if (!answer) {
    ended->error = answer.error();
    response = refusal_of(*call, answer.error());
  } else if (*answer) {
    response = std::move(**answer);
  }
  add_security_headers(response.headers);
  for (const auto& [name, value] : call->answer_headers.items()) response.headers.add(name, value);
  ended->status = response.status;
  [[maybe_unused]] Status sent = co_await writer->send(std::move(response));
}

net::Task<Result<Answer>> HttpApi::dispatch(CallPtr call, net::ResponseWriter* writer) {
  Match match = match_route(call->request.method, call->request.path);
  if (match.route == nullptr) {
    call->actor.local = is_local(call->request);
    CO_TRY(admit_request(*call));
  }
  if (match.route == nullptr && match.allowed.empty())
    co_return fail(Code::kNotFound, "there is no such route", "the routes are described in api/openapi.yaml");
  if (match.route == nullptr) {
    call->refusal_status = 405;
    call->answer_headers.add("Allow", match.allowed);
    co_return fail(Code::kInvalidArgument, "this route does not take " + safe_line(call->request.method),
                   "it takes " + match.allowed);
  }
  const Route& route = *match.route;
  call->route = &route.info;
  call->parameters = std::move(match.parameters);
  call->page = route.info.page;
  if (route.info.method != "GET") {
    const Site site(services_->context.address.api_url);
    CO_TRY(site.refuse_foreign(call->request));
  }
  Status allowed = co_await identify(call, route.info);
  if (!allowed && allowed.error().code == Code::kUnauthenticated && call->page) co_return login_first(call->request);
  CO_TRY(std::move(allowed));
  CO_TRY_ASSIGN(call->query, Query::parse(call->request.query, route.query));
  CO_TRY_ASSIGN(const Operation* operation, operation_of(route.info));
  CO_TRY(check_parameters(*operation, *call));
  if (route.info.method == "GET") {
    call->writer = writer;
    Result<Answer> read = co_await route.handler(call);
    co_return read;
  }
  CO_TRY_ASSIGN(call->body, read_body(*call, route));
  if (route.body == BodyKind::kNone) {
    Body nothing(call->body);
    CO_TRY(nothing.finish());
  }
  CO_TRY(check_body(*operation, *call));
  net::Task<Result<Answer>> work = audited(&route, call);
  std::optional<std::string> key = call->request.headers.find("Idempotency-Key");
  if (key && operation->bears_key) work = services_->idempotency.run(call, std::move(*key), std::move(work));
  Result<Answer> changed = co_await shielded(services_->context.tasks, "api change", std::move(work));
  co_return changed;
}

// By the header Authorization, else by the cookie. A public route asks nobody; a public page looks who reads it.
net::Task<Status> HttpApi::authenticate(CallPtr call, RouteInfo route) {
  if (route.permission == Permission::kPublic && !route.page) co_return Status{};
  const std::optional<std::string> authorization = call->request.headers.find("Authorization");
  std::string token = authorization ? bearer_token(*authorization) : "";
  if (!authorization) {
    const Site site(services_->context.address.api_url);
    token = site.token_in(call->request);
    if (!token.empty() && route.method != "GET" && !site.is_ours(call->request))
      co_return fail(Code::kPermissionDenied,
                     "a change with a login's cookie needs the header Origin, as browsers send it",
                     "programs log in with a token in the header Authorization");
  }
  CO_TRY_ASSIGN(call->identity, co_await services_->auth.authenticate(std::move(token), call->address));
  co_return Status{};
}

// Authenticates, counts, loads the Project that the path names, and asks the policy.
net::Task<Status> HttpApi::identify(CallPtr call, RouteInfo route) {
  CO_TRY(co_await authenticate(call, route));
  if (call->identity) call->actor = actor_of(*call->identity, services_->context.accounts);
  call->actor.local = is_local(call->request);
  CO_TRY(admit_request(*call));
  const auto named = call->parameters.find("project");
  if (named != call->parameters.end()) {
    const std::string name = named->second;
    call->resource = Resource::missing_project(name);
    if (call->identity) {
      Result<Found> found = fail(Code::kNotFound, "there is no such project");
      // Of what is no text there is none, and PostgreSQL takes no such value.
      if (!name.contains('\0') && valid_utf8(name) == name) {
        auto find = [name, client = call->actor.client_id](store::Tx& tx) { return find_for(tx, name, client); };
        found = co_await services_->context.database.read(std::move(find));
      }
      if (!found && found.error().code != Code::kNotFound) co_return std::unexpected(found.error());
      if (found) {
        call->project = std::move(found->first);
        call->resource = Resource::project(call->project.id, found->second, name);
      }
    }
  }
  co_return allow(call->actor, route.permission, call->resource);
}

}  // namespace paastech::api
