#include "store/audit.h"

#include <fmt/format.h>
#include <soci/soci.h>

#include "store/rows.h"

namespace paastech::store {

std::string audit_key(std::int64_t at) { return fmt::format("{:012x}", at < 0 ? 0 : at); }

Status insert_audit(Tx& tx, const AuditRow& row) {
  tx.sql << "INSERT INTO audit (id, at, actor_id, actor, token_id, address, action, project_id, project, object, "
            "result, detail) "
            "VALUES (:id, :at, :actor_id, :actor, :token, :address, :action, :project_id, :project, :object, :result, "
            ":detail)",
      soci::use(row.id), soci::use(row.at), soci::use(row.actor_id), soci::use(row.actor), soci::use(row.token_id),
      soci::use(row.address), soci::use(row.action), soci::use(row.project_id), soci::use(row.project),
      soci::use(row.object), soci::use(row.result), soci::use(row.detail);
  return {};
}

Result<std::vector<AuditRow>> list_audit(Tx& tx, const AuditFilter& filter, int limit) {
  AuditRow row;
  soci::statement statement(tx.sql);
  for (std::string* column : {&row.id, &row.actor_id, &row.actor, &row.token_id, &row.address, &row.action,
                              &row.project_id, &row.project, &row.object, &row.result, &row.detail})
    statement.exchange(soci::into(*column));
  statement.exchange(soci::into(row.at));
  std::string query =
      "SELECT id, actor_id, actor, token_id, address, action, project_id, project, object, result, detail, at FROM "
      "audit WHERE "
      "id >= :from";
  statement.exchange(soci::use(filter.from));
  const auto only = [&](const std::string& value, const char* condition) {
    if (value.empty()) return;
    query += condition;
    statement.exchange(soci::use(value));
  };
  only(filter.below, " AND id < :below");
  only(filter.project_id, " AND project_id = :project");
  only(filter.actor_id, " AND actor_id = :actor");
  only(filter.action, " AND action = :action");
  only(filter.token_id,
       " AND EXISTS (SELECT 1 FROM token_projects t WHERE t.token_id = :token AND t.project_id = audit.project_id)");
  statement.exchange(soci::use(limit));
  return fetch_all(statement, query + " ORDER BY id DESC LIMIT :most", row);
}

Result<std::vector<std::string>> login_addresses(Tx& tx, const std::string& client_id, const std::string& from) {
  std::string address;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(address));
  statement.exchange(soci::use(client_id));
  statement.exchange(soci::use(from));
  return fetch_all(statement,
                   "SELECT DISTINCT address FROM audit WHERE actor_id = :actor AND id >= :from AND result = 'ok' AND "
                   "action IN ('session.create', 'device.log_in')",
                   address);
}

Result<std::int64_t> delete_audit(Tx& tx, std::int64_t before, int most) {
  const std::string below = audit_key(before);
  return change(tx, "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < :below ORDER BY id LIMIT :most)",
                soci::use(below), soci::use(most));
}

}  // namespace paastech::store
