// Variables of a Project: sealed at rest, bound to Project and name; values leave only where they are asked for.
#include <algorithm>
#include <optional>

#include "api/etag.h"
#include "api/http/deployment_number.h"
#include "api/json_body.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "controller/groups.h"
#include "domain/names.h"
#include "store/config_version.h"

namespace paastech::api {
namespace {

constexpr std::size_t kMaxVariables = 1'000;
constexpr std::size_t kMaxBytes = 256 << 10;  // names and values; far under the 2 MiB that execve takes in all (Linux)

Status check_name(const std::string& name) {
  if (name == "PORT")
    return fail(Code::kInvalidArgument, "PORT is set by the Service, which tells your program where to listen",
                "say another port in paastech.yaml: processes.web.port");
  if (name.starts_with("PAASTECH_"))
    return fail(Code::kInvalidArgument, "names that start with PAASTECH_ are kept for the Service",
                "choose another name than " + safe_line(name));
  Status checked = check_environment_name(name);
  if (!checked) checked.error().message = "`" + safe_line(name) + "`: " + checked.error().message;
  return checked;
}

struct Change {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> unset;
  bool names(const std::string& name) const {
    return std::ranges::find(unset, name) != unset.end() ||
           std::ranges::find(set, name, &std::pair<std::string, std::string>::first) != set.end();
  }
};

Result<Change> read_change(const boost::json::object& object) {
  Change change;
  Body body(object);
  change.set = body.optional_map("set", kMaxVariables);
  change.unset = body.optional_list("unset", kMaxVariables, 128);
  TRY(body.finish());
  if (change.set.empty() && change.unset.empty())
    return fail(Code::kInvalidArgument, "there is nothing to change", "give `set`, `unset` or both");
  for (const auto& [name, value] : change.set) {
    TRY(check_name(name));
    Status checked = check_environment_value(value);
    if (!checked)
      return fail(Code::kInvalidArgument, "the value of " + name + ": " + checked.error().message,
                  checked.error().hint);
    if (std::find(change.unset.begin(), change.unset.end(), name) != change.unset.end())
      return fail(Code::kInvalidArgument, name + " is both in `set` and in `unset`");
  }
  return change;
}

// Does the change in the transaction and answers the names that are different now.
Result<std::vector<std::string>> apply(store::Tx& tx, const SecretBox& secrets, const std::string& project,
                                       const Change& change, std::int64_t now) {
  TRY_ASSIGN(std::vector<store::EnvironmentRow> rows, store::list_environment(tx, project));
  // A value that does not open can still be set anew or taken away; until then it is nothing.
  std::map<std::string, std::optional<std::string>> present;
  for (const store::EnvironmentRow& row : rows) {
    Result<std::string> value = secrets.open(row.value, store::environment_context(project, row.name));
    if (!value && !change.names(row.name)) return std::unexpected(std::move(value).error());
    present[row.name] = value ? std::optional(std::move(*value)) : std::nullopt;
  }
  std::vector<std::string> changed;
  for (const std::string& name : change.unset) {
    if (present.erase(name) == 0) continue;
    TRY(store::unset_environment(tx, project, name));
    changed.push_back(name);
  }
  for (const auto& [name, value] : change.set) {
    const auto found = present.find(name);
    if (found != present.end() && found->second == value) continue;
    present[name] = value;
    TRY(store::set_environment(tx, project,
                               {name, secrets.seal(value, store::environment_context(project, name)), now}));
    changed.push_back(name);
  }
  std::size_t bytes = 0;
  for (const auto& [name, value] : present) bytes += name.size() + value.value_or("").size();
  if (present.size() > kMaxVariables || bytes > kMaxBytes)
    return fail(Code::kInvalidArgument,
                "the environment would be too large: at most 1000 variables and 256 KiB of names and values",
                "unset what is not needed, or keep large data elsewhere");
  return changed;
}

// Whether a Deployment was made with what is asked for. It was not where an earlier change was stored and
// its Deployment did not come to be: a release command that failed, or a plan that was too small. Then asking again is
// not for nothing.
bool serves(const SecretBox& secrets, const store::DeploymentRow& row, const Change& change) {
  const Result<std::string> plain = controller::open_environment(secrets, row);
  if (!plain) return true;  // nothing can be said of it
  const boost::json::value values = boost::json::parse(*plain);
  const boost::json::object& served = values.as_object();
  const auto is_served = [&served](const auto& wanted) {
    const auto found = served.find(wanted.first);
    return found != served.end() && found->value().as_string() == std::string_view(wanted.second);
  };
  const auto is_gone = [&served](const std::string& name) { return !served.contains(name); };
  return std::ranges::all_of(change.set, is_served) && std::ranges::all_of(change.unset, is_gone);
}

struct Versioned {
  std::int64_t version = 0;
  std::vector<store::EnvironmentRow> rows;
};

net::Task<Result<Answer>> list_environment(CallPtr call) {
  CO_TRY_ASSIGN(bool reveal, call->query.flag("reveal"));
  if (reveal) {
    CO_TRY(allow(call->actor, Permission::kProjectSecrets, call->resource));
  }
  const std::string project = call->project.id;
  auto load = [project](store::Tx& tx) -> Result<Versioned> {
    Versioned out;
    TRY_ASSIGN(out.version, store::config_version(tx, project));
    TRY_ASSIGN(out.rows, store::list_environment(tx, project));
    return out;
  };
  CO_TRY_ASSIGN(Versioned found, co_await call->context().database.read(std::move(load)));
  const std::string tag = etag(found.version, reveal ? "values" : "");
  if (has_already(call->request.headers, tag)) co_return not_modified(tag);
  boost::json::array list;
  for (const store::EnvironmentRow& row : found.rows) {
    boost::json::object item{{"name", row.name}, {"updated_at", rfc3339(row.updated_at)}};
    if (reveal) {
      CO_TRY_ASSIGN(std::string value,
                    call->context().secrets.open(row.value, store::environment_context(project, row.name)));
      item["value"] = value;
    }
    list.push_back(std::move(item));
  }
  net::HttpResponse answer = json_answer(200, items(std::move(list)));
  answer.headers.add("ETag", tag);
  co_return answer;
}

struct Stored {
  std::vector<std::string> changed;
  std::int64_t version = 0;
  bool deploy = false;  // a Deployment should bring it into service
};

// headers: of the request, for If-Match.
Result<Stored> store_change(store::Tx& tx, const SecretBox& secrets, const std::string& project, const Change& change,
                            const net::Headers& headers, std::int64_t now) {
  Stored done;
  TRY_ASSIGN(done.version, store::config_version(tx, project));
  TRY(check_if_match(headers, done.version));
  TRY_ASSIGN(done.changed, apply(tx, secrets, project, change, now));
  if (!done.changed.empty()) {
    TRY_ASSIGN(done.version, store::bump_config_version(tx, project));
  }
  TRY_ASSIGN(const store::ProjectRow row, store::find_project(tx, project));
  // A push or a start on its way ends the stop, but with the values of before.
  TRY_ASSIGN(std::vector<store::DeploymentRow> newest, store::list_deployments(tx, project, 1, 0));
  const bool on_its_way = !newest.empty() && is_running(newest.front().state);
  bool stands = false;
  if (done.changed.empty()) {
    std::optional<store::DeploymentRow> current;  // what runs, or is about to
    if (on_its_way) {
      current = std::move(newest.front());
    } else {
      TRY_ASSIGN(current, store::live_deployment(tx, project));
    }
    stands = !current || serves(secrets, *current, change);
  }
  done.deploy = !stands && (!row.stopped || on_its_way) && !row.deleting;
  return done;
}

// Where nothing is live yet the values wait for the first Deployment.
net::Task<Result<Answer>> change_environment(CallPtr call) {
  CO_TRY_ASSIGN(const Change change, read_change(call->body));
  Context& context = call->context();
  const std::string project = call->project.id;
  const auto stored = std::make_shared<Stored>();
  const controller::Change work = [&secrets = context.secrets, headers = call->request.headers, project, change,
                                   now = context.clock.now_ms(), stored](store::Tx& tx) -> Result<bool> {
    TRY_ASSIGN(*stored, store_change(tx, secrets, project, change, headers, now));
    return stored->deploy;
  };
  CO_TRY_ASSIGN(const controller::Changed done,
                co_await context.controller.change(project, call->actor.client_id, DeploymentCause::kConfig, work));
  call->answer_headers.add("ETag", etag(stored->version));
  if (!done.admitted && done.admitted.error().code != Code::kFailedPrecondition)
    co_return fail(
        done.admitted.error().code,
        "the variables were stored, but the new deployment could not begin: " + done.admitted.error().message,
        "bring them into service with: paastech restart");
  boost::json::object out;
  boost::json::array names;
  for (const std::string& name : stored->changed) names.emplace_back(name);
  out["changed"] = std::move(names);
  if (done.deployment) out["deployment"] = new_deployment_json(*call, *done.deployment);
  co_return json_answer(202, out);
}

}  // namespace

void add_environment_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/environment", Permission::kProjectRead},
                    list_environment,
                    BodyKind::kNone,
                    {"reveal"}});
  routes.push_back(
      {{"PATCH", "/api/v1/projects/{project}/environment", Permission::kProjectConfigure, "environment.change"},
       change_environment,
       BodyKind::kJson});
}

}  // namespace paastech::api
