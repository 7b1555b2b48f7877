#include "api/views.h"

#include "api/text_out.h"
#include "base/clock.h"

namespace paastech::api {

namespace json = boost::json;

namespace {

Result<std::string> username_of(store::Tx& tx, const std::string& id) {
  Result<store::ClientRow> client = store::find_client(tx, id);
  if (client) return client->username;
  if (client.error().code == Code::kNotFound) return std::string();
  return std::unexpected(client.error());
}

}  // namespace

Result<DeploymentView> load_deployment(store::Tx& tx, store::DeploymentRow row) {
  TRY_ASSIGN(std::string actor, username_of(tx, row.actor_id));
  return DeploymentView{std::move(row), std::move(actor)};
}

std::string_view project_state(const ProjectView& project) {
  if (project.latest && is_running(project.latest->row.state)) return "deploying";
  if (project.owner_suspended && project.current) return "suspended";
  if (project.row.stopped && project.current) return "stopped";
  if (project.current) return "live";
  return project.latest ? "failed" : "empty";
}

json::object to_json(const store::ClientRow& row) {
  return {{"id", row.id},
          {"email", row.email},
          {"username", row.username},
          {"administrator", row.administrator},
          {"second_factor", row.second_factor()},
          {"created_at", rfc3339(row.created_at)}};
}

json::object to_json(const store::KeyRow& row) {
  json::object out{{"id", row.id},
                   {"type", row.type},
                   {"fingerprint", row.fingerprint},
                   {"comment", row.comment},
                   {"created_at", rfc3339(row.created_at)}};
  if (row.last_used_at > 0) out["last_used_at"] = rfc3339(row.last_used_at);
  return out;
}

json::object to_json(const DeploymentView& deployment, const store::ProjectRow& project, const PublicAddress& address,
                     json::storage_ptr memory) {
  const store::DeploymentRow& row = deployment.row;
  json::object out({{"number", row.number},
                    {"cause", to_text(row.cause)},
                    {"state", to_text(row.state)},
                    {"commit", row.commit},
                    {"commit_subject", safe_line(row.commit_subject)},
                    {"image", row.image},
                    {"actor", deployment.actor},
                    {"reason", row.reason},
                    {"message", safe_text(row.message)},
                    {"created_at", rfc3339(row.created_at)},
                    {"url", application_url(project.name, address)}},
                   memory);
  if (row.finished_at > 0) {
    out["finished_at"] = rfc3339(row.finished_at);
    out["duration_ms"] = row.finished_at - row.created_at;
  }
  return out;
}

json::object to_json(const ProjectView& project, const PublicAddress& address, json::storage_ptr memory) {
  const store::ProjectRow& row = project.row;
  json::object out({{"id", row.id},
                    {"name", row.name},
                    {"owner", project.owner},
                    {"role", to_text(project.role)},
                    {"url", application_url(row.name, address)},
                    {"git_url", git_url(row.name, address)},
                    {"stopped", row.stopped},
                    {"created_at", rfc3339(row.created_at)},
                    {"state", project_state(project)}},
                   memory);
  if (project.current) out["current"] = to_json(*project.current, row, address, memory);
  if (project.latest) out["latest"] = to_json(*project.latest, row, address, memory);
  return out;
}

json::object items(json::array list) {
  json::object out(list.storage());
  out["items"] = std::move(list);
  return out;
}

}  // namespace paastech::api
