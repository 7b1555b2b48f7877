#include "store/invitations.h"

#include <functional>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

std::vector<InvitationRow> select(Tx& tx, const std::string& tail, const std::function<void(soci::statement&)>& bind) {
  InvitationRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.hash));
  statement.exchange(soci::into(row.email));
  statement.exchange(soci::into(row.inviter_id));
  statement.exchange(soci::into(row.inviter));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.expires_at));
  bind(statement);
  return fetch_all(statement,
                   "SELECT i.id, i.hash, i.email, i.inviter_id, c.username, i.created_at, i.expires_at "
                   "FROM invitations i JOIN clients c ON c.id = i.inviter_id WHERE i.project_id = '' AND " +
                       tail,
                   row);
}

}  // namespace

Status insert_invitation(Tx& tx, const InvitationRow& row) {
  change(tx, "DELETE FROM invitations WHERE project_id = '' AND email = :email", soci::use(row.email));
  try {
    tx.sql << "INSERT INTO invitations (id, hash, email, inviter_id, created_at, expires_at) "
              "VALUES (:id, :hash, :email, :inviter, :created, :expires)",
        soci::use(row.id), soci::use(row.hash), soci::use(row.email), soci::use(row.inviter_id),
        soci::use(row.created_at), soci::use(row.expires_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    throw;
  }
}

Result<InvitationRow> find_invitation(Tx& tx, const std::string& hash, std::int64_t now) {
  std::vector<InvitationRow> rows =
      select(tx, "i.hash = :hash AND i.expires_at > :now", [&](soci::statement& statement) {
        statement.exchange(soci::use(hash));
        statement.exchange(soci::use(now));
      });
  if (rows.empty())
    return fail(Code::kNotFound, "this invitation is not valid: it was used, withdrawn, or is over",
                "ask who invited you for a new one");
  return std::move(rows.front());
}

Result<InvitationRow> take_invitation(Tx& tx, const std::string& hash, std::int64_t now) {
  TRY_ASSIGN(InvitationRow row, find_invitation(tx, hash, now));
  tx.sql << "DELETE FROM invitations WHERE id = :id", soci::use(row.id);
  return row;
}

Result<std::vector<InvitationRow>> list_invitations(Tx& tx, std::int64_t now, const std::string& after, int limit) {
  return select(tx, "i.expires_at > :now AND i.email > :after ORDER BY i.email LIMIT :limit",
                [&](soci::statement& statement) {
                  statement.exchange(soci::use(now));
                  statement.exchange(soci::use(after));
                  statement.exchange(soci::use(limit));
                });
}

Result<bool> delete_invitation(Tx& tx, const std::string& id) {
  return change(tx, "DELETE FROM invitations WHERE project_id = '' AND id = :id", soci::use(id)) > 0;
}

Status delete_expired_invitations(Tx& tx, std::int64_t now) {
  tx.sql << "DELETE FROM invitations WHERE expires_at <= :now", soci::use(now);
  return {};
}

}  // namespace paastech::store
