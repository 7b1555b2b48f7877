#include "store/project_invitations.h"

#include <soci/soci.h>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

// tail's placeholders are one text, then the present time.
std::vector<ProjectInvitationRow> select(Tx& tx, const std::string& tail, const std::string& value, std::int64_t now) {
  ProjectInvitationRow row;
  std::string role;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.hash));
  statement.exchange(soci::into(row.email));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.project_id));
  statement.exchange(soci::into(role));
  statement.exchange(soci::into(row.inviter_id));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.expires_at));
  statement.exchange(soci::into(row.project));
  statement.exchange(soci::into(row.inviter));
  statement.exchange(soci::into(row.username));
  statement.exchange(soci::use(value));
  statement.exchange(soci::use(now));
  return fetch_all(statement,
                   "SELECT i.id, i.hash, i.email, i.client_id, i.project_id, i.role, i.inviter_id, i.created_at, "
                   "i.expires_at, p.name, f.username, COALESCE(t.username, '') FROM invitations i "
                   "JOIN projects p ON p.id = i.project_id JOIN clients f ON f.id = i.inviter_id "
                   "LEFT JOIN clients t ON t.id = i.client_id " +
                       tail,
                   row, [&role](ProjectInvitationRow& one) { one.role = role_from_text(role); });
}

}  // namespace

Status insert_project_invitation(Tx& tx, const ProjectInvitationRow& row) {
  const std::string role(to_text(row.role));
  change(tx, "DELETE FROM invitations WHERE project_id = :project AND email = :email AND client_id = :client",
         soci::use(row.project_id), soci::use(row.email), soci::use(row.client_id));
  try {
    tx.sql << "INSERT INTO invitations (id, hash, email, client_id, project_id, role, inviter_id, created_at, "
              "expires_at) VALUES (:id, :hash, :email, :client, :project, :role, :inviter, :created, :expires)",
        soci::use(row.id), soci::use(row.hash), soci::use(row.email), soci::use(row.client_id),
        soci::use(row.project_id), soci::use(role), soci::use(row.inviter_id), soci::use(row.created_at),
        soci::use(row.expires_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    throw;
  }
}

Result<std::vector<ProjectInvitationRow>> list_project_invitations(Tx& tx, const std::string& project_id,
                                                                   std::int64_t now) {
  return select(tx, "WHERE i.project_id = :project AND i.expires_at > :now ORDER BY i.created_at, i.id", project_id,
                now);
}

Result<ProjectInvitationRow> find_project_invitation(Tx& tx, const std::string& hash, std::int64_t now) {
  std::vector<ProjectInvitationRow> rows = select(tx, "WHERE i.hash = :hash AND i.expires_at > :now", hash, now);
  if (rows.empty())
    return fail(Code::kNotFound, "this invitation is unknown, was used or withdrawn, or is over",
                "ask who invited you for a new one");
  return std::move(rows.front());
}

Result<bool> delete_project_invitation(Tx& tx, const std::string& project_id, const std::string& id) {
  return change(tx, "DELETE FROM invitations WHERE project_id = :project AND id = :id", soci::use(project_id),
                soci::use(id)) > 0;
}

Status delete_invitations_of(Tx& tx, const std::string& project_id, const std::string& client_id) {
  change(tx,
         "DELETE FROM invitations WHERE project_id = :project AND (client_id = :client OR email IN "
         "(SELECT c.email FROM clients c WHERE c.id = :client2))",
         soci::use(project_id), soci::use(client_id), soci::use(client_id));
  return {};
}

}  // namespace paastech::store
