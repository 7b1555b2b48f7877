#include "store/scales.h"

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

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
