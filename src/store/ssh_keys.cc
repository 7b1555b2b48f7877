#include <soci/soci.h>

#include "store/clients.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

std::vector<KeyRow> select_keys(Tx& tx, const std::string& tail, const std::string& value) {
  KeyRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.type));
  statement.exchange(soci::into(row.public_key));
  statement.exchange(soci::into(row.fingerprint));
  statement.exchange(soci::into(row.comment));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.last_used_at));
  statement.exchange(soci::use(value));
  return fetch_all(
      statement,
      "SELECT id, client_id, type, public_key, fingerprint, comment, created_at, last_used_at FROM ssh_keys " + tail,
      row);
}

}  // namespace

Status insert_key(Tx& tx, const KeyRow& row) {
  try {
    tx.sql << "INSERT INTO ssh_keys (id, client_id, type, public_key, fingerprint, comment, created_at) "
              "VALUES (:id, :client, :type, :key, :fingerprint, :comment, :at)",
        soci::use(row.id), soci::use(row.client_id), soci::use(row.type), soci::use(row.public_key),
        soci::use(row.fingerprint), soci::use(row.comment), soci::use(row.created_at);
    return {};
  } catch (const soci::soci_error& error) {
    const Constraint broken = broken_constraint(error);
    if (broken.kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    if (broken.column == "ssh_keys.fingerprint")
      return fail(Code::kAlreadyExists, "public_key: this SSH key is registered already",
                  "a key stands for one client; make another with: ssh-keygen -t ed25519");
    throw;
  }
}

Result<std::vector<KeyRow>> list_keys(Tx& tx, const std::string& client_id) {
  return select_keys(tx, "WHERE client_id = :client ORDER BY created_at, id", client_id);
}

Result<KeyRow> find_key(Tx& tx, const std::string& fingerprint) {
  std::vector<KeyRow> rows = select_keys(tx, "WHERE fingerprint = :fingerprint", fingerprint);
  if (rows.empty())
    return fail(Code::kNotFound, "this SSH key is not registered", "register it: paastech keys add FILE");
  return std::move(rows.front());
}

Status touch_key(Tx& tx, const std::string& id, std::int64_t now) {
  tx.sql << "UPDATE ssh_keys SET last_used_at = :now WHERE id = :id AND last_used_at < :now2", soci::use(now),
      soci::use(id), soci::use(now);
  return {};
}

Result<bool> delete_key(Tx& tx, const std::string& client_id, const std::string& id) {
  return change(tx, "DELETE FROM ssh_keys WHERE id = :id AND client_id = :client", soci::use(id),
                soci::use(client_id)) > 0;
}

}  // namespace paastech::store
