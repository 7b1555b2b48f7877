#include "store/members.h"

#include <soci/soci.h>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

Result<Role> role_in(Tx& tx, const ProjectRow& project, const std::string& client_id) {
  if (client_id.empty()) return Role::kNone;
  if (project.owner_id == client_id) return Role::kOwner;
  std::string role;
  tx.sql << "SELECT role FROM members WHERE project_id = :project AND client_id = :client", soci::use(project.id),
      soci::use(client_id), soci::into(role);
  return tx.sql.got_data() ? role_from_text(role) : Role::kNone;
}

Result<std::vector<PersonRow>> list_people(Tx& tx, const std::string& project_id) {
  PersonRow row;
  std::string role;
  int place = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(place));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.username));
  statement.exchange(soci::into(role));
  statement.exchange(soci::into(row.since));
  statement.exchange(soci::use(project_id));
  statement.exchange(soci::use(project_id));
  return fetch_all(statement,
                   "SELECT 0 AS place, c.id AS client, c.username AS username, 'owner' AS role, p.owner_since AS since "
                   "FROM projects p JOIN clients c ON c.id = p.owner_id WHERE p.id = :project "
                   "UNION ALL SELECT 1, c.id, c.username, m.role, m.created_at "
                   "FROM members m JOIN clients c ON c.id = m.client_id WHERE m.project_id = :project2 "
                   "ORDER BY place, since, username",
                   row, [&role](PersonRow& one) { one.role = role_from_text(role); });
}

Status set_member(Tx& tx, const MemberRow& row) {
  const std::string role(to_text(row.role));
  try {
    tx.sql << "INSERT INTO members (project_id, client_id, role, created_at) VALUES (:project, :client, :role, :at) "
              "ON CONFLICT (project_id, client_id) DO UPDATE SET role = excluded.role",
        soci::use(row.project_id), soci::use(row.client_id), soci::use(role), soci::use(row.created_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey)
      return fail(Code::kNotFound, "there is no such project or client");
    throw;
  }
}

Result<bool> delete_member(Tx& tx, const std::string& project_id, const std::string& client_id) {
  return change(tx, "DELETE FROM members WHERE project_id = :project AND client_id = :client", soci::use(project_id),
                soci::use(client_id)) > 0;
}

Status set_owner(Tx& tx, const ProjectRow& project, const std::string& client_id, std::int64_t now) {
  TRY(delete_member(tx, project.id, client_id));
  TRY(set_member(tx, {project.id, project.owner_id, Role::kMaintainer, now}));
  tx.sql << "DELETE FROM invitations WHERE project_id = :project", soci::use(project.id);
  try {
    if (change(tx, "UPDATE projects SET owner_id = :owner, owner_since = :now WHERE id = :id", soci::use(client_id),
               soci::use(now), soci::use(project.id)) > 0)
      return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind != Broken::kForeignKey) throw;
  }
  return fail(Code::kNotFound, "there is no such project or client");
}

}  // namespace paastech::store
