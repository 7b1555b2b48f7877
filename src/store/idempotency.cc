#include "store/idempotency.h"

#include <soci/soci.h>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

Result<std::optional<IdempotencyRow>> find_answer(Tx& tx, const std::string& client_id, const std::string& key) {
  IdempotencyRow row;
  tx.sql << "SELECT client_id, key, fingerprint, status, body, created_at FROM idempotency "
            "WHERE client_id = :client AND key = :key",
      soci::into(row.client_id), soci::into(row.key), soci::into(row.fingerprint), soci::into(row.status),
      soci::into(row.body), soci::into(row.created_at), soci::use(client_id), soci::use(key);
  if (!tx.sql.got_data()) return std::nullopt;
  return row;
}

Result<std::int64_t> count_answers(Tx& tx, const std::string& client_id) {
  std::int64_t count = 0;
  tx.sql << "SELECT COUNT(*) FROM idempotency WHERE client_id = :client", soci::into(count), soci::use(client_id);
  return count;
}

Status insert_answer(Tx& tx, const IdempotencyRow& row) {
  try {
    tx.sql << "INSERT INTO idempotency (client_id, key, fingerprint, status, body, created_at) "
              "VALUES (:client, :key, :fingerprint, :status, :body, :created)",
        soci::use(row.client_id), soci::use(row.key), soci::use(row.fingerprint), soci::use(row.status),
        soci::use(row.body), soci::use(row.created_at);
    return {};
  } catch (const soci::soci_error& error) {
    const Broken kind = broken_constraint(error).kind;
    if (kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such Client");
    if (kind == Broken::kUnique) return fail(Code::kAlreadyExists, "this Idempotency-Key is in use");
    throw;
  }
}

Status complete_answer(Tx& tx, const IdempotencyRow& row) {
  change(tx, "UPDATE idempotency SET status = :status, body = :body WHERE client_id = :client AND key = :key",
         soci::use(row.status), soci::use(row.body), soci::use(row.client_id), soci::use(row.key));
  return {};
}

Status delete_answer(Tx& tx, const std::string& client_id, const std::string& key) {
  change(tx, "DELETE FROM idempotency WHERE client_id = :client AND key = :key", soci::use(client_id), soci::use(key));
  return {};
}

Status delete_answers_before(Tx& tx, std::int64_t created_at) {
  change(tx, "DELETE FROM idempotency WHERE created_at < :before", soci::use(created_at));
  return {};
}

}  // namespace paastech::store
