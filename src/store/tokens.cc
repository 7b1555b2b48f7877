#include "store/tokens.h"

#include <soci/soci.h>

#include "store/device_logins.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

std::vector<std::string> projects_of(Tx& tx, const std::string& token_id) {
  std::string project;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(project));
  statement.exchange(soci::use(token_id));
  return fetch_all(statement, "SELECT project_id FROM token_projects WHERE token_id = :id ORDER BY project_id",
                   project);
}

std::vector<TokenRow> select_tokens(Tx& tx, const std::string& tail, const std::string& value) {
  TokenRow row;
  std::string scope;
  int limited = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.hash));
  statement.exchange(soci::into(row.name));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.last_used_at));
  statement.exchange(soci::into(row.kind));
  statement.exchange(soci::into(scope));
  statement.exchange(soci::into(limited));
  statement.exchange(soci::into(row.expires_at));
  statement.exchange(soci::into(row.address));
  statement.exchange(soci::use(value));
  std::vector<TokenRow> rows =
      fetch_all(statement,
                "SELECT id, client_id, hash, name, created_at, last_used_at, kind, scope, limited, expires_at, address "
                "FROM tokens " +
                    tail,
                row, [&](TokenRow& one) {
                  one.scope = scope_from_text(scope).value_or(Scope::kRead);
                  one.limited = limited != 0;
                });
  for (TokenRow& one : rows)
    if (one.limited) one.projects = projects_of(tx, one.id);
  return rows;
}

}  // namespace

Status insert_token(Tx& tx, const TokenRow& row) {
  const std::string scope(to_text(row.scope));
  const int limited = row.limited ? 1 : 0;
  try {
    tx.sql << "INSERT INTO tokens (id, client_id, hash, name, created_at, last_used_at, kind, scope, limited, "
              "expires_at, address) VALUES (:id, :client, :hash, :name, :created, :used, :kind, :scope, :limited, "
              ":expires, :address)",
        soci::use(row.id), soci::use(row.client_id), soci::use(row.hash), soci::use(row.name),
        soci::use(row.created_at), soci::use(row.last_used_at), soci::use(row.kind), soci::use(scope),
        soci::use(limited), soci::use(row.expires_at), soci::use(row.address);
    for (const std::string& project : row.projects)
      tx.sql << "INSERT INTO token_projects (token_id, project_id) VALUES (:token, :project)", soci::use(row.id),
          soci::use(project);
    return {};
  } catch (const soci::soci_error& error) {
    const Constraint broken = broken_constraint(error);
    if (broken.kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client or project");
    if (broken.column == "tokens.hash") return fail(Code::kAlreadyExists, "hash: this token is there already");
    throw;
  }
}

Result<TokenRow> find_token(Tx& tx, const std::string& hash) {
  std::vector<TokenRow> rows = select_tokens(tx, "WHERE hash = :hash", hash);
  if (rows.empty())
    return fail(Code::kNotFound, "this token is unknown or was revoked", "log in again: paastech login");
  return std::move(rows.front());
}

Result<std::vector<TokenRow>> list_tokens(Tx& tx, const std::string& client_id) {
  return select_tokens(tx, "WHERE client_id = :client ORDER BY created_at, id", client_id);
}

Status touch_token(Tx& tx, const std::string& id, std::int64_t now, const std::string& address) {
  tx.sql << "UPDATE tokens SET last_used_at = :now, address = :address WHERE id = :id AND last_used_at < :now2",
      soci::use(now), soci::use(address), soci::use(id), soci::use(now);
  return {};
}

Result<bool> delete_token(Tx& tx, const std::string& id) {
  return change(tx, "DELETE FROM tokens WHERE id = :id", soci::use(id)) > 0;
}

Result<bool> delete_token_of(Tx& tx, const std::string& client_id, const std::string& id, bool api) {
  const std::string other = api ? "kind = 'api'" : "kind <> 'api'";
  return change(tx, "DELETE FROM tokens WHERE id = :id AND client_id = :client AND " + other, soci::use(id),
                soci::use(client_id)) > 0;
}

Result<std::int64_t> delete_logins(Tx& tx, const std::string& client_id, const std::string& but) {
  TRY(delete_device_logins_of(tx, client_id));
  return change(tx, "DELETE FROM tokens WHERE client_id = :client AND kind <> 'api' AND id <> :but",
                soci::use(client_id), soci::use(but));
}

Status delete_oldest_logins(Tx& tx, const std::string& client_id, std::size_t keep) {
  const auto kept = static_cast<long long>(keep);
  tx.sql << "DELETE FROM tokens WHERE client_id = :client AND kind <> 'api' AND id NOT IN (SELECT id FROM tokens WHERE "
            "client_id = :client2 AND kind <> 'api' ORDER BY last_used_at DESC, id LIMIT :keep)",
      soci::use(client_id), soci::use(client_id), soci::use(kept);
  return {};
}

Result<std::map<std::string, std::vector<std::string>>> token_project_names(Tx& tx, const std::string& client_id) {
  std::pair<std::string, std::string> row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.first));
  statement.exchange(soci::into(row.second));
  statement.exchange(soci::use(client_id));
  std::map<std::string, std::vector<std::string>> names;
  for (auto& [token, name] : fetch_all(statement,
                                       "SELECT t.id, p.name FROM tokens t JOIN token_projects tp ON tp.token_id = t.id "
                                       "JOIN projects p ON p.id = tp.project_id WHERE t.client_id = :client "
                                       "ORDER BY t.id, p.name",
                                       row))
    names[token].push_back(std::move(name));
  return names;
}

Status delete_expired_tokens(Tx& tx, std::int64_t now) {
  tx.sql << "DELETE FROM tokens WHERE expires_at > 0 AND expires_at <= :now", soci::use(now);
  return {};
}

}  // namespace paastech::store
