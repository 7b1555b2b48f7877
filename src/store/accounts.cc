#include "store/accounts.h"

#include "base/text.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

std::unexpected<Error> no_client() { return fail(Code::kNotFound, "there is no such client"); }

std::int64_t count_of(Tx& tx, const std::string& query, const std::string& id) {
  std::int64_t count = 0;
  tx.sql << query, soci::use(id), soci::into(count);
  return count;
}

}  // namespace

Status set_password_hash(Tx& tx, const std::string& id, const std::string& hash) {
  if (change(tx, "UPDATE clients SET password_hash = :hash WHERE id = :id", soci::use(hash), soci::use(id)) == 0)
    return no_client();
  return {};
}

Status set_confirmed(Tx& tx, const std::string& id, std::int64_t at) {
  tx.sql << "UPDATE clients SET confirmed_at = :at WHERE id = :id AND confirmed_at = 0", soci::use(at), soci::use(id);
  return {};
}

Status set_email(Tx& tx, const std::string& id, const std::string& email) {
  const std::string address = lower(email);
  try {
    if (change(tx, "UPDATE clients SET email = :email WHERE id = :id", soci::use(address), soci::use(id)) == 0)
      return no_client();
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).column == "clients.email")
      return fail(Code::kAlreadyExists, "email: this address is taken by another client", "choose another address");
    throw;
  }
}

Result<std::int64_t> delete_unconfirmed(Tx& tx, std::int64_t before, int most) {
  return change(tx,
                "DELETE FROM clients WHERE id IN (SELECT c.id FROM clients c WHERE c.confirmed_at = 0 AND "
                "c.created_at < :before AND NOT EXISTS (SELECT 1 FROM projects p WHERE p.owner_id = c.id) LIMIT :most)",
                soci::use(before), soci::use(most));
}

Result<std::int64_t> other_administrators(Tx& tx, const std::string& id) {
  return count_of(tx,
                  "SELECT COUNT(*) FROM clients WHERE administrator = 1 AND suspended_at = 0 AND deleting = 0 AND "
                  "id <> :id",
                  id);
}

// Neither the address nor a password leads to it any more, whatever an administrator does with it meanwhile.
Status begin_deletion(Tx& tx, const std::string& id, std::int64_t now) {
  const std::string nobody = "deleted-" + id + "@invalid";  // RFC 2606 section 2
  if (change(tx,
             "UPDATE clients SET deleting = 1, suspended_at = CASE WHEN suspended_at = 0 THEN :now ELSE suspended_at "
             "END, email = :email, password_hash = '!' WHERE id = :id",
             soci::use(now), soci::use(nobody), soci::use(id)) == 0)
    return no_client();
  change(tx, "DELETE FROM tokens WHERE client_id = :id", soci::use(id));
  change(tx, "DELETE FROM ssh_keys WHERE client_id = :id", soci::use(id));
  change(tx, "DELETE FROM links WHERE client_id = :id", soci::use(id));
  change(tx, "DELETE FROM invitations WHERE inviter_id = :id", soci::use(id));
  return {};
}

Result<std::vector<std::string>> clients_in_deletion(Tx& tx) {
  std::string id;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(id));
  return fetch_all(statement, "SELECT id FROM clients WHERE deleting = 1 ORDER BY id", id);
}

Result<bool> delete_client(Tx& tx, const std::string& id) {
  if (count_of(tx, "SELECT COUNT(*) FROM projects WHERE owner_id = :id", id) > 0) return false;
  tx.sql << "DELETE FROM clients WHERE id = :id", soci::use(id);
  return true;
}

Result<Belongings> belongings_of(Tx& tx, const std::string& id) {
  Belongings out;
  std::string name;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(name));
  statement.exchange(soci::use(id));
  out.projects = fetch_all(statement, "SELECT name FROM projects WHERE owner_id = :id ORDER BY name", name);
  out.memberships = count_of(tx, "SELECT COUNT(*) FROM members WHERE client_id = :id", id);
  out.tokens = count_of(tx, "SELECT COUNT(*) FROM tokens WHERE client_id = :id AND kind = 'api'", id);
  out.sessions = count_of(tx, "SELECT COUNT(*) FROM tokens WHERE client_id = :id AND kind <> 'api'", id);
  out.keys = count_of(tx, "SELECT COUNT(*) FROM ssh_keys WHERE client_id = :id", id);
  return out;
}

}  // namespace paastech::store
