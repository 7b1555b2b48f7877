#include "store/clients.h"

#include <soci/soci.h>

#include <functional>

#include "base/text.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

// tail: the WHERE or ORDER BY; bind adds its values.
std::vector<ClientRow> select(Tx& tx, const std::string& tail, const std::function<void(soci::statement&)>& bind) {
  ClientRow row;
  int administrator = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.email));
  statement.exchange(soci::into(row.username));
  statement.exchange(soci::into(row.password_hash));
  statement.exchange(soci::into(administrator));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.confirmed_at));
  statement.exchange(soci::into(row.suspended_at));
  statement.exchange(soci::into(row.plan));
  statement.exchange(soci::into(row.totp));
  statement.exchange(soci::into(row.totp_step));
  statement.exchange(soci::into(row.suspended_reason));
  bind(statement);
  return fetch_all(statement,
                   "SELECT id, email, username, password_hash, administrator, created_at, confirmed_at, suspended_at, "
                   "plan, totp, totp_step, suspended_reason FROM clients " +
                       tail,
                   row, [&administrator](ClientRow& one) { one.administrator = administrator != 0; });
}

Result<ClientRow> find_one(Tx& tx, const std::string& tail, const std::string& value) {
  std::vector<ClientRow> rows =
      select(tx, tail, [&value](soci::statement& statement) { statement.exchange(soci::use(value)); });
  if (rows.empty()) return fail(Code::kNotFound, "there is no such client");
  return std::move(rows.front());
}

}  // namespace

Status insert_client(Tx& tx, const ClientRow& row) {
  const int administrator = row.administrator ? 1 : 0;
  const std::string email = lower(row.email);
  const std::string username = lower(row.username);
  try {
    tx.sql << "INSERT INTO clients (id, email, username, password_hash, administrator, created_at, confirmed_at, plan) "
              "VALUES (:id, :email, :username, :hash, :administrator, :at, :confirmed, :plan)",
        soci::use(row.id), soci::use(email), soci::use(username), soci::use(row.password_hash),
        soci::use(administrator), soci::use(row.created_at), soci::use(row.confirmed_at), soci::use(row.plan);
    return {};
  } catch (const soci::soci_error& error) {
    const Constraint broken = broken_constraint(error);
    if (broken.column == "clients.email")
      return fail(Code::kAlreadyExists, "email: this address is taken by another client", "choose another address");
    if (broken.column == "clients.username")
      return fail(Code::kAlreadyExists, "username: this name is taken by another client", "choose another name");
    throw;
  }
}

Result<ClientRow> find_client(Tx& tx, const std::string& id) { return find_one(tx, "WHERE id = :id", id); }

Result<ClientRow> find_client_by_email(Tx& tx, const std::string& email) {
  return find_one(tx, "WHERE email = :email", lower(email));
}

Result<ClientRow> find_client_by_username(Tx& tx, const std::string& username) {
  return find_one(tx, "WHERE username = :username", lower(username));
}

Result<std::vector<ClientRow>> list_clients(Tx& tx) {
  return select(tx, "ORDER BY username", [](soci::statement&) {});
}

Status set_totp(Tx& tx, const std::string& id, const std::string& sealed, std::int64_t step) {
  if (change(tx, "UPDATE clients SET totp = :seed, totp_step = :step WHERE id = :id", soci::use(sealed),
             soci::use(step), soci::use(id)) == 0)
    return fail(Code::kNotFound, "there is no such client");
  return {};
}

Result<bool> use_totp_step(Tx& tx, const std::string& id, std::int64_t step) {
  return change(tx, "UPDATE clients SET totp_step = :step WHERE id = :id AND totp_step < :step2", soci::use(step),
                soci::use(id), soci::use(step)) > 0;
}

Status set_suspended(Tx& tx, const std::string& id, std::int64_t at, const std::string& reason) {
  if (change(tx, "UPDATE clients SET suspended_at = :at, suspended_reason = :reason WHERE id = :id", soci::use(at),
             soci::use(reason), soci::use(id)) == 0)
    return fail(Code::kNotFound, "there is no such client");
  return {};
}

Result<std::int64_t> count_clients(Tx& tx) {
  std::int64_t count = 0;
  tx.sql << "SELECT COUNT(*) FROM clients", soci::into(count);
  return count;
}

}  // namespace paastech::store
