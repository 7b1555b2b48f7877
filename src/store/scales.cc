#include "store/scales.h"

#include <algorithm>

#include "domain/process_json.h"
#include "store/deployments.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

Status make_room(Tx& tx, const std::string& project_id, const std::string& process) {
  TRY_ASSIGN(const std::vector<Scale> stored, list_scales(tx, project_id));
  const bool known = std::ranges::find(stored, process, &Scale::process) != stored.end();
  if (known || stored.size() < kMostProcesses) return {};
  TRY_ASSIGN(const auto live, live_deployment(tx, project_id));
  if (!live)
    return fail(Code::kFailedPrecondition,
                "`" + process + "` is one process too many: " + std::to_string(stored.size()) +
                    " have a scale already, and a project has at most " + std::to_string(kMostProcesses),
                "deploy first; then the processes that there are can be scaled");
  TRY_ASSIGN(const ProcessList list, process_list_from_json(live->processes));
  for (const Scale& one : stored)
    if (!list.processes.contains(one.process))
      tx.sql << "DELETE FROM scales WHERE project_id = :project AND process = :process", soci::use(project_id),
          soci::use(one.process);
  return {};
}

}  // namespace

Result<std::vector<Scale>> list_scales(Tx& tx, const std::string& project_id) {
  Scale row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.process));
  statement.exchange(soci::into(row.count));
  statement.exchange(soci::into(row.memory_bytes));
  statement.exchange(soci::into(row.milli_cpus));
  statement.exchange(soci::use(project_id));
  return fetch_all(
      statement,
      "SELECT process, count, memory_bytes, milli_cpus FROM scales WHERE project_id = :project ORDER BY process", row);
}

Status set_scale(Tx& tx, const std::string& project_id, const Scale& scale) {
  if (Status named = check_process_name(scale.process); !named)
    return fail(named.error().code, "`" + scale.process + "` " + named.error().message, named.error().hint);
  TRY(check_scale(scale));
  TRY(make_room(tx, project_id, scale.process));
  try {
    tx.sql << "INSERT INTO scales (project_id, process, count, memory_bytes, milli_cpus) "
              "VALUES (:project, :process, :count, :memory, :cpus) ON CONFLICT (project_id, process) DO UPDATE SET "
              "count = excluded.count, memory_bytes = excluded.memory_bytes, milli_cpus = excluded.milli_cpus",
        soci::use(project_id), soci::use(scale.process), soci::use(scale.count), soci::use(scale.memory_bytes),
        soci::use(scale.milli_cpus);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such project");
    throw;
  }
}

}  // namespace paastech::store
