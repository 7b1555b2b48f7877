#include <soci/soci.h>

#include "store/clients.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

std::vector<TokenRow> select(Tx& tx, const std::string& tail, const std::string& value) {
  TokenRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.hash));
  statement.exchange(soci::into(row.name));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.last_used_at));
  statement.exchange(soci::use(value));
  return fetch_all(statement, "SELECT id, client_id, hash, name, created_at, last_used_at FROM tokens " + tail, row);
}

}  // namespace

Status insert_token(Tx& tx, const TokenRow& row) {
  try {
    tx.sql << "INSERT INTO tokens (id, client_id, hash, name, created_at, last_used_at) "
              "VALUES (:id, :client, :hash, :name, :created, :used)",
        soci::use(row.id), soci::use(row.client_id), soci::use(row.hash), soci::use(row.name),
        soci::use(row.created_at), soci::use(row.last_used_at);
    return {};
  } catch (const soci::soci_error& error) {
    const Constraint broken = broken_constraint(error);
    if (broken.kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    if (broken.column == "tokens.hash") return fail(Code::kAlreadyExists, "hash: this token is there already");
    throw;
  }
}

Result<TokenRow> find_token(Tx& tx, const std::string& hash) {
  std::vector<TokenRow> rows = select(tx, "WHERE hash = :hash", hash);
  if (rows.empty())
    return fail(Code::kNotFound, "this token is unknown or was revoked", "log in again: paastech login");
  return std::move(rows.front());
}

Result<std::vector<TokenRow>> list_tokens(Tx& tx, const std::string& client_id) {
  return select(tx, "WHERE client_id = :client ORDER BY created_at, id", client_id);
}

Status touch_token(Tx& tx, const std::string& id, std::int64_t now) {
  tx.sql << "UPDATE tokens SET last_used_at = :now WHERE id = :id AND last_used_at < :now2", soci::use(now),
      soci::use(id), soci::use(now);
  return {};
}

Result<bool> delete_token(Tx& tx, const std::string& id) {
  return change(tx, "DELETE FROM tokens WHERE id = :id", soci::use(id)) > 0;
}

}  // namespace paastech::store
