#include "store/recovery_codes.h"

#include <soci/soci.h>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

Status set_recovery_codes(Tx& tx, const std::string& client_id, const std::vector<std::string>& hashes) {
  try {
    tx.sql << "DELETE FROM recovery_codes WHERE client_id = :client", soci::use(client_id);
    for (const std::string& hash : hashes)
      tx.sql << "INSERT INTO recovery_codes (client_id, hash) VALUES (:client, :hash)", soci::use(client_id),
          soci::use(hash);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    throw;
  }
}

Result<bool> use_recovery_code(Tx& tx, const std::string& client_id, const std::string& hash) {
  return change(tx, "DELETE FROM recovery_codes WHERE client_id = :client AND hash = :hash", soci::use(client_id),
                soci::use(hash)) > 0;
}

Result<std::int64_t> count_recovery_codes(Tx& tx, const std::string& client_id) {
  long long count = 0;
  tx.sql << "SELECT COUNT(*) FROM recovery_codes WHERE client_id = :client", soci::use(client_id), soci::into(count);
  return count;
}

}  // namespace paastech::store
