#include <soci/soci.h>

#include "store/projects.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

std::string environment_context(const std::string& project_id, const std::string& name) {
  return "environment/" + project_id + "/" + name;
}

Result<std::vector<EnvironmentRow>> list_environment(Tx& tx, const std::string& project_id) {
  EnvironmentRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.name));
  statement.exchange(soci::into(row.value));
  statement.exchange(soci::into(row.updated_at));
  statement.exchange(soci::use(project_id));
  return fetch_all(statement,
                   "SELECT name, value, updated_at FROM environment WHERE project_id = :project ORDER BY name", row);
}

Status set_environment(Tx& tx, const std::string& project_id, const EnvironmentRow& row) {
  try {
    tx.sql << "INSERT INTO environment (project_id, name, value, updated_at) VALUES (:project, :name, :value, :at) "
              "ON CONFLICT (project_id, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        soci::use(project_id), soci::use(row.name), soci::use(row.value), soci::use(row.updated_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such project");
    throw;
  }
}

Result<bool> unset_environment(Tx& tx, const std::string& project_id, const std::string& name) {
  return change(tx, "DELETE FROM environment WHERE project_id = :project AND name = :name", soci::use(project_id),
                soci::use(name)) > 0;
}

}  // namespace paastech::store
