#include "store/build_usage.h"

#include "store/rows.h"

namespace paastech::store {

Status add_build_time(Tx& tx, const std::string& client_id, const std::string& month, std::int64_t milliseconds) {
  std::int64_t present = 0;
  tx.sql << "SELECT COUNT(*) FROM clients WHERE id = :id", soci::use(client_id), soci::into(present);
  if (present == 0) return {};
  tx.sql << "INSERT INTO build_usage (client_id, month, milliseconds) VALUES (:client, :month, :time) "
            "ON CONFLICT (client_id, month) DO UPDATE SET milliseconds = build_usage.milliseconds + "
            "excluded.milliseconds",
      soci::use(client_id), soci::use(month), soci::use(milliseconds);
  return {};
}

Result<std::int64_t> build_time(Tx& tx, const std::string& client_id, const std::string& month) {
  std::int64_t milliseconds = 0;
  tx.sql << "SELECT COALESCE(SUM(milliseconds), 0) FROM build_usage WHERE client_id = :client AND month = :month",
      soci::use(client_id), soci::use(month), soci::into(milliseconds);
  return milliseconds;
}

}  // namespace paastech::store
