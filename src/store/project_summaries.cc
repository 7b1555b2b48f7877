#include "store/project_summaries.h"

#include <fmt/format.h>
#include <soci/soci.h>

#include <functional>
#include <unordered_map>

#include "store/deployment_names.h"
#include "store/rows.h"

namespace paastech::store {
namespace {

constexpr const char* kColumns =
    "SELECT p.id, p.name AS name, p.owner_id, p.stopped, p.deleting, p.next_number, p.created_at, o.username, ";
// Of one's own there is nothing to ask of `members`. CROSS JOIN makes SQLite begin with the rows of the Client;
// PostgreSQL decides by its statistics.
constexpr const char* kOwn =
    "'', o.suspended_at FROM projects p JOIN clients o ON o.id = p.owner_id WHERE p.owner_id = :me AND ";
constexpr const char* kShared =
    "m.role, o.suspended_at FROM members m CROSS JOIN projects p JOIN clients o ON o.id = p.owner_id "
    "WHERE m.client_id = :me2 AND p.id = m.project_id AND p.owner_id <> m.client_id AND ";
constexpr const char* kAny =
    "COALESCE(m.role, ''), o.suspended_at FROM projects p JOIN clients o ON o.id = p.owner_id "
    "LEFT JOIN members m ON m.project_id = p.id AND m.client_id = :asker ";

std::vector<ProjectSummary> select(Tx& tx, const std::string& query, const std::string& asker, std::size_t expected,
                                   const std::function<void(soci::statement&)>& bind) {
  ProjectSummary one;
  std::string role;
  int stopped = 0;
  int deleting = 0;
  std::int64_t suspended_at = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(one.row.id));
  statement.exchange(soci::into(one.row.name));
  statement.exchange(soci::into(one.row.owner_id));
  statement.exchange(soci::into(stopped));
  statement.exchange(soci::into(deleting));
  statement.exchange(soci::into(one.row.next_number));
  statement.exchange(soci::into(one.row.created_at));
  statement.exchange(soci::into(one.owner));
  statement.exchange(soci::into(role));
  statement.exchange(soci::into(suspended_at));
  bind(statement);
  const auto complete = [&](ProjectSummary& project) {
    project.row.stopped = stopped != 0;
    project.row.deleting = deleting != 0;
    project.owner_suspended = suspended_at != 0;
    project.role = project.row.owner_id == asker ? Role::kOwner : role_from_text(role);
  };
  return fetch_all(statement, query, one, complete, expected);
}

// ":a0, :a1, …": values are never put into the text. SQLite takes two of one name for the same value.
std::string placeholders(const std::string& prefix, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? ":" : ", :") + prefix + std::to_string(i);
  return out;
}

// The newest Deployment of each Project, whose number is the one before the next, and the live one where that is older.
constexpr const char* kDeploymentRows =
    "SELECT d.project_id, d.number, d.cause, d.state, d.commit_id, d.commit_subject, d.image, d.actor_id, d.reason, "
    "d.message, d.origin, d.created_at, d.finished_at, COALESCE(a.username, '') FROM projects p JOIN deployments d ";
constexpr const char* kNewest = "ON d.project_id = p.id AND d.number = p.next_number - 1 ";
constexpr const char* kOlderLive = "ON d.project_id = p.id AND d.state = 'live' AND d.number < p.next_number - 1 ";
constexpr const char* kActor = "LEFT JOIN clients a ON a.id = d.actor_id WHERE p.id IN (";

Status add_deployments(Tx& tx, std::vector<ProjectSummary>& projects) {
  std::unordered_map<std::string_view, ProjectSummary*> by_id;
  for (ProjectSummary& project : projects)
    if (project.row.next_number > 1) by_id[project.row.id] = &project;
  if (by_id.empty()) return {};
  DeploymentSummary one;
  std::string cause;
  std::string state;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(one.row.project_id));
  statement.exchange(soci::into(one.row.number));
  for (std::string* column : {&cause, &state, &one.row.commit, &one.row.commit_subject, &one.row.image,
                              &one.row.actor_id, &one.row.reason, &one.row.message})
    statement.exchange(soci::into(*column));
  statement.exchange(soci::into(one.row.origin));
  statement.exchange(soci::into(one.row.created_at));
  statement.exchange(soci::into(one.row.finished_at));
  statement.exchange(soci::into(one.actor));
  for (int i = 0; i < 2; ++i)
    for (const auto& [id, project] : by_id) statement.exchange(soci::use(project->row.id));
  const std::string query = std::string(kDeploymentRows) + kNewest + kActor + placeholders("a", by_id.size()) +
                            ") UNION ALL " + kDeploymentRows + kOlderLive + kActor + placeholders("b", by_id.size()) +
                            ")";
  bool known = true;
  fetch_all(statement, query, one, [&](DeploymentSummary& deployment) {
    known = read_names(deployment.row, cause, state) && known;
    ProjectSummary& project = *by_id.at(deployment.row.project_id);
    if (deployment.row.state == DeploymentState::kLive) project.current = deployment;
    if (deployment.row.number == project.row.next_number - 1) project.latest = deployment;
  });
  if (!known) return unknown_deployment();
  return {};
}

}  // namespace

Result<std::vector<ProjectSummary>> list_project_summaries(Tx& tx, const ProjectPage& page) {
  const bool limited = !page.token_id.empty();
  // Up to its own condition; `number` tells the values' names apart.
  const auto narrowed = [limited](const std::string& select_where, int number) {
    return kColumns + select_where + fmt::format("p.name > :after{} ", number) +
           (limited ? fmt::format("AND EXISTS (SELECT 1 FROM token_projects t WHERE t.token_id = :token{} "
                                  "AND t.project_id = p.id) ",
                                  number)
                    : "");
  };
  const std::string query = page.everybody ? narrowed(std::string(kAny) + "WHERE ", 1)
                                           : narrowed(kOwn, 1) + "UNION ALL " + narrowed(kShared, 2);
  std::vector<ProjectSummary> projects =
      select(tx, query + "ORDER BY name LIMIT :most", page.client_id, static_cast<std::size_t>(page.limit),
             [&page, limited](soci::statement& statement) {
               for (int i = page.everybody ? 1 : 0; i < 2; ++i) {
                 statement.exchange(soci::use(page.client_id));
                 statement.exchange(soci::use(page.after));
                 if (limited) statement.exchange(soci::use(page.token_id));
               }
               statement.exchange(soci::use(page.limit));
             });
  TRY(add_deployments(tx, projects));
  return projects;
}

Result<ProjectSummary> find_project_summary(Tx& tx, const std::string& project_id, const std::string& client_id) {
  const std::string query = std::string(kColumns) + kAny + "WHERE p.id = :id";
  std::vector<ProjectSummary> projects = select(tx, query, client_id, 1, [&](soci::statement& statement) {
    statement.exchange(soci::use(client_id));
    statement.exchange(soci::use(project_id));
  });
  if (projects.empty())
    return fail(Code::kNotFound, "there is no such project", "see yours with: paastech projects list");
  TRY(add_deployments(tx, projects));
  return std::move(projects.front());
}

}  // namespace paastech::store
