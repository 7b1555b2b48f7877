#include "store/mails.h"

#include "store/rows.h"

namespace paastech::store {

Status insert_mail(Tx& tx, const MailRow& row) {
  tx.sql << "INSERT INTO mails (id, body, attempts, error, next_at, created_at) "
            "VALUES (:id, :body, :attempts, :error, :next, :created)",
      soci::use(row.id), soci::use(row.body), soci::use(row.attempts), soci::use(row.error), soci::use(row.next_at),
      soci::use(row.created_at);
  return {};
}

Result<std::optional<MailRow>> next_mail(Tx& tx) {
  MailRow row;
  tx.sql << "SELECT id, body, attempts, error, next_at, created_at FROM mails ORDER BY next_at, id LIMIT 1",
      soci::into(row.id), soci::into(row.body), soci::into(row.attempts), soci::into(row.error),
      soci::into(row.next_at), soci::into(row.created_at);
  if (!tx.sql.got_data()) return std::nullopt;
  return row;
}

Status postpone_mail(Tx& tx, const std::string& id, std::int64_t next_at, const std::string& error) {
  tx.sql << "UPDATE mails SET attempts = attempts + 1, next_at = :next, error = :error WHERE id = :id",
      soci::use(next_at), soci::use(error), soci::use(id);
  return {};
}

Status delete_mail(Tx& tx, const std::string& id) {
  tx.sql << "DELETE FROM mails WHERE id = :id", soci::use(id);
  return {};
}

Result<std::int64_t> count_mails(Tx& tx) {
  std::int64_t count = 0;
  tx.sql << "SELECT COUNT(*) FROM mails", soci::into(count);
  return count;
}

}  // namespace paastech::store
