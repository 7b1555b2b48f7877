#include "store/deployments.h"

#include <soci/soci.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <tuple>

#include "domain/process_json.h"
#include "domain/quota.h"
#include "store/deployment_names.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

constexpr const char* kSelect =
    "SELECT project_id, number, cause, state, commit_id, commit_subject, image, port, processes, environment, "
    "actor_id, origin, reason, message, created_at, finished_at FROM deployments ";

Result<Amounts> taken_by(const DeploymentRow& row) {
  TRY_ASSIGN(const ProcessList list, process_list_from_json(row.processes));
  return amounts_of(list);
}

std::string text_of(auto value) { return std::string(to_text(value)); }

// tail: the WHERE; bind adds its values. kInternal where a row has a state or cause that the program does not know.
Result<std::vector<DeploymentRow>> select(Tx& tx, const std::string& tail,
                                          const std::function<void(soci::statement&)>& bind) {
  DeploymentRow row;
  std::string cause;
  std::string state;
  bool known = true;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.project_id));
  statement.exchange(soci::into(row.number));
  statement.exchange(soci::into(cause));
  statement.exchange(soci::into(state));
  statement.exchange(soci::into(row.commit));
  statement.exchange(soci::into(row.commit_subject));
  statement.exchange(soci::into(row.image));
  statement.exchange(soci::into(row.port));
  statement.exchange(soci::into(row.processes));
  statement.exchange(soci::into(row.environment));
  statement.exchange(soci::into(row.actor_id));
  statement.exchange(soci::into(row.origin));
  statement.exchange(soci::into(row.reason));
  statement.exchange(soci::into(row.message));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.finished_at));
  bind(statement);
  auto rows = fetch_all(statement, kSelect + tail, row,
                        [&](DeploymentRow& one) { known = read_names(one, cause, state) && known; });
  if (!known) return unknown_deployment();
  return rows;
}

Result<std::vector<DeploymentRow>> in_state(Tx& tx, DeploymentState state) {
  const std::string text = text_of(state);
  return select(tx, "WHERE state = :state",
                [&text](soci::statement& statement) { statement.exchange(soci::use(text)); });
}

std::unexpected<Error> no_such_deployment(std::int64_t number) {
  return fail(Code::kNotFound, "there is no deployment " + std::to_string(number) + " of this project");
}

// The state now; locked against others by the write transaction.
Result<DeploymentState> stored_state(Tx& tx, const DeploymentRow& row) {
  std::string state;
  tx.sql << "SELECT state FROM deployments WHERE project_id = :project AND number = :number", soci::into(state),
      soci::use(row.project_id), soci::use(row.number);
  if (!tx.sql.got_data()) return no_such_deployment(row.number);
  return deployment_state(state);
}

}  // namespace

Status insert_deployment(Tx& tx, DeploymentRow& row) {
  if (change(tx, "UPDATE projects SET next_number = next_number + 1 WHERE id = :id", soci::use(row.project_id)) == 0)
    return fail(Code::kNotFound, "there is no such project");
  tx.sql << "SELECT next_number - 1 FROM projects WHERE id = :id", soci::into(row.number), soci::use(row.project_id);
  TRY_ASSIGN(const Amounts takes, taken_by(row));
  const std::string cause = text_of(row.cause);
  const std::string state = text_of(row.state);
  tx.sql << "INSERT INTO deployments (project_id, number, cause, state, commit_id, commit_subject, image, port, "
            "processes, instances, memory_bytes, milli_cpus, environment, actor_id, origin, reason, message, "
            "created_at, finished_at) "
            "VALUES (:project, :number, :cause, :state, :commit, :subject, :image, :port, :processes, :instances, "
            ":memory, :cpus, :environment, :actor, :origin, :reason, :message, :created, :finished)",
      soci::use(row.project_id), soci::use(row.number), soci::use(cause), soci::use(state), soci::use(row.commit),
      soci::use(row.commit_subject), soci::use(row.image), soci::use(row.port), soci::use(row.processes),
      soci::use(takes.instances), soci::use(takes.memory_bytes), soci::use(takes.milli_cpus),
      soci::use(row.environment), soci::use(row.actor_id), soci::use(row.origin), soci::use(row.reason),
      soci::use(row.message), soci::use(row.created_at), soci::use(row.finished_at);
  return {};
}

Result<DeploymentRow> find_deployment(Tx& tx, const std::string& project_id, std::int64_t number) {
  TRY_ASSIGN(std::vector<DeploymentRow> rows,
             select(tx, "WHERE project_id = :project AND number = :number", [&](soci::statement& statement) {
               statement.exchange(soci::use(project_id));
               statement.exchange(soci::use(number));
             }));
  if (rows.empty())
    return fail(Code::kNotFound, "there is no deployment " + std::to_string(number) + " of this project",
                "see them with: paastech deployments");
  return std::move(rows.front());
}

Result<std::vector<DeploymentRow>> list_deployments(Tx& tx, const std::string& project_id, int limit,
                                                    std::int64_t before) {
  const std::int64_t below = before > 0 ? before : std::numeric_limits<std::int64_t>::max();
  const int most = std::max(limit, 0);  // SQLite would take a negative one for no limit
  return select(tx, "WHERE project_id = :project AND number < :below ORDER BY number DESC LIMIT :most",
                [&](soci::statement& statement) {
                  statement.exchange(soci::use(project_id));
                  statement.exchange(soci::use(below));
                  statement.exchange(soci::use(most));
                });
}

Status update_deployment(Tx& tx, const DeploymentRow& row) {
  TRY_ASSIGN(const DeploymentState from, stored_state(tx, row));
  if (from != row.state && !can_follow(from, row.state))
    return fail(Code::kAborted,
                "deployment " + std::to_string(row.number) + " is " + text_of(from) + " and cannot become " +
                    text_of(row.state),
                "look at it again: it has changed meanwhile");
  TRY_ASSIGN(const Amounts takes, taken_by(row));
  const std::string state = text_of(row.state);
  try {
    tx.sql << "UPDATE deployments SET state = :state, commit_id = :commit, commit_subject = :subject, image = :image, "
              "port = :port, processes = :processes, instances = :instances, memory_bytes = :memory, "
              "milli_cpus = :cpus, reason = :reason, message = :message, "
              "finished_at = :finished WHERE project_id = :project AND number = :number",
        soci::use(state), soci::use(row.commit), soci::use(row.commit_subject), soci::use(row.image),
        soci::use(row.port), soci::use(row.processes), soci::use(takes.instances), soci::use(takes.memory_bytes),
        soci::use(takes.milli_cpus), soci::use(row.reason), soci::use(row.message), soci::use(row.finished_at),
        soci::use(row.project_id), soci::use(row.number);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kUnique)  // the index deployments_live
      return fail(Code::kAborted, "another deployment of this project is live", "supersede that one first");
    throw;
  }
}

Status set_snapshot(Tx& tx, const DeploymentRow& row) {
  const long long changed =
      change(tx, "UPDATE deployments SET environment = :environment WHERE project_id = :project AND number = :number",
             soci::use(row.environment), soci::use(row.project_id), soci::use(row.number));
  if (changed == 0) return no_such_deployment(row.number);
  return {};
}

Result<std::vector<SnapshotRow>> ended_snapshots(Tx& tx, const std::string& project_id) {
  SnapshotRow row;
  std::string state;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.number));
  statement.exchange(soci::into(state));
  statement.exchange(soci::into(row.image));
  statement.exchange(soci::use(project_id));
  return fetch_all(statement,
                   "SELECT number, state, image FROM deployments WHERE project_id = :project AND environment <> '' AND "
                   "state IN ('superseded', 'failed', 'cancelled') ORDER BY number DESC",
                   row, [&state](SnapshotRow& one) { one.was_live = state == to_text(DeploymentState::kSuperseded); });
}

Status drop_snapshot(Tx& tx, const std::string& project_id, std::int64_t number) {
  tx.sql << "UPDATE deployments SET environment = '' WHERE project_id = :project AND number = :number",
      soci::use(project_id), soci::use(number);
  return {};
}

Result<std::optional<DeploymentRow>> live_deployment(Tx& tx, const std::string& project_id) {
  TRY_ASSIGN(std::vector<DeploymentRow> rows,
             select(tx, "WHERE project_id = :project AND state = 'live'",
                    [&](soci::statement& statement) { statement.exchange(soci::use(project_id)); }));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

Result<std::vector<DeploymentRow>> queued_deployments(Tx& tx, const std::string& project_id) {
  return select(tx, "WHERE project_id = :project AND state = 'queued' ORDER BY number",
                [&](soci::statement& statement) { statement.exchange(soci::use(project_id)); });
}

Result<std::vector<DeploymentRow>> newest_in(Tx& tx, const std::string& project_id,
                                             const std::vector<DeploymentState>& states, int limit) {
  std::vector<DeploymentRow> all;
  for (const DeploymentState state : states) {
    const std::string text = text_of(state);
    TRY_ASSIGN(std::vector<DeploymentRow> rows,
               select(tx, "WHERE project_id = :project AND state = :state ORDER BY number DESC LIMIT :most",
                      [&](soci::statement& statement) {
                        statement.exchange(soci::use(project_id));
                        statement.exchange(soci::use(text));
                        statement.exchange(soci::use(limit));
                      }));
    std::ranges::move(rows, std::back_inserter(all));
  }
  std::ranges::sort(all, std::ranges::greater(), &DeploymentRow::number);
  if (std::ssize(all) > limit) all.resize(static_cast<std::size_t>(limit));
  return all;
}

Result<std::vector<DeploymentRow>> deployments_in(Tx& tx, const std::vector<DeploymentState>& states) {
  std::vector<DeploymentRow> all;
  for (const DeploymentState state : states) {
    TRY_ASSIGN(std::vector<DeploymentRow> rows, in_state(tx, state));
    std::ranges::move(rows, std::back_inserter(all));
  }
  std::ranges::sort(all, {},
                    [](const DeploymentRow& row) { return std::tie(row.created_at, row.project_id, row.number); });
  return all;
}

}  // namespace paastech::store
