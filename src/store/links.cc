#include "store/links.h"

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {

Status insert_link(Tx& tx, const LinkRow& row) {
  change(tx, "DELETE FROM links WHERE client_id = :client AND purpose = :purpose", soci::use(row.client_id),
         soci::use(row.purpose));
  try {
    tx.sql << "INSERT INTO links (hash, client_id, purpose, email, created_at, expires_at) "
              "VALUES (:hash, :client, :purpose, :email, :created, :expires)",
        soci::use(row.hash), soci::use(row.client_id), soci::use(row.purpose), soci::use(row.email),
        soci::use(row.created_at), soci::use(row.expires_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    throw;
  }
}

Result<LinkRow> find_link(Tx& tx, const std::string& hash, std::int64_t now) {
  LinkRow row;
  tx.sql << "SELECT hash, client_id, purpose, email, created_at, expires_at FROM links "
            "WHERE hash = :hash AND expires_at > :now",
      soci::use(hash), soci::use(now), soci::into(row.hash), soci::into(row.client_id), soci::into(row.purpose),
      soci::into(row.email), soci::into(row.created_at), soci::into(row.expires_at);
  if (!tx.sql.got_data())
    return fail(Code::kNotFound, "this link is not valid: it was used, replaced by a newer one, or is over",
                "ask for a new one");
  return row;
}

Result<LinkRow> take_link(Tx& tx, const std::string& hash, std::int64_t now) {
  TRY_ASSIGN(LinkRow row, find_link(tx, hash, now));
  tx.sql << "DELETE FROM links WHERE hash = :hash", soci::use(hash);
  return row;
}

Status delete_links(Tx& tx, const std::string& client_id) {
  tx.sql << "DELETE FROM links WHERE client_id = :client", soci::use(client_id);
  return {};
}

Status delete_expired_links(Tx& tx, std::int64_t now) {
  tx.sql << "DELETE FROM links WHERE expires_at <= :now", soci::use(now);
  return {};
}

}  // namespace paastech::store
