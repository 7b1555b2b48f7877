#include "store/registries.h"

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

std::string registry_context(const std::string& project_id, const std::string& host) {
  return "registry/" + project_id + "/" + host;
}

Result<std::vector<RegistryRow>> list_registries(Tx& tx, const std::string& project_id) {
  RegistryRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.host));
  statement.exchange(soci::into(row.username));
  statement.exchange(soci::into(row.password));
  statement.exchange(soci::use(project_id));
  return fetch_all(statement,
                   "SELECT host, username, password FROM registries WHERE project_id = :project ORDER BY host", row);
}

Result<RegistryRow> find_registry(Tx& tx, const std::string& project_id, const std::string& host) {
  RegistryRow row{host, {}, {}};
  tx.sql << "SELECT username, password FROM registries WHERE project_id = :project AND host = :host",
      soci::into(row.username), soci::into(row.password), soci::use(project_id), soci::use(host);
  if (tx.sql.got_data()) return row;
  return fail(Code::kNotFound, "no user name is stored for the registry " + host);
}

Status set_registry(Tx& tx, const std::string& project_id, const RegistryRow& row) {
  std::int64_t others = 0;
  tx.sql << "SELECT COUNT(*) FROM registries WHERE project_id = :project AND host <> :host", soci::into(others),
      soci::use(project_id), soci::use(row.host);
  if (others >= kMaxRegistries)
    return fail(Code::kFailedPrecondition,
                "this project has logins for " + std::to_string(others) + " registries already, which is the most",
                "remove one first: paastech registry remove HOST");
  try {
    tx.sql << "INSERT INTO registries (project_id, host, username, password) "
              "VALUES (:project, :host, :username, :password) ON CONFLICT (project_id, host) DO UPDATE SET "
              "username = excluded.username, password = excluded.password",
        soci::use(project_id), soci::use(row.host), soci::use(row.username), soci::use(row.password);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such project");
    throw;
  }
}

Result<bool> remove_registry(Tx& tx, const std::string& project_id, const std::string& host) {
  return change(tx, "DELETE FROM registries WHERE project_id = :project AND host = :host", soci::use(project_id),
                soci::use(host)) > 0;
}

}  // namespace paastech::store
