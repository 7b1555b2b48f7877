#include "store/device_logins.h"

#include <soci/soci.h>

#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

Result<DeviceLoginRow> find_one(Tx& tx, const std::string& tail, const std::string& value) {
  DeviceLoginRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.hash));
  statement.exchange(soci::into(row.user_code));
  statement.exchange(soci::into(row.name));
  statement.exchange(soci::into(row.address));
  statement.exchange(soci::into(row.client_id));
  statement.exchange(soci::into(row.state));
  statement.exchange(soci::into(row.polled_at));
  statement.exchange(soci::into(row.created_at));
  statement.exchange(soci::into(row.expires_at));
  statement.exchange(soci::use(value));
  const std::vector<DeviceLoginRow> rows =
      fetch_all(statement,
                "SELECT hash, user_code, name, address, client_id, state, polled_at, created_at, expires_at FROM "
                "device_logins " +
                    tail,
                row);
  if (rows.empty()) return fail(Code::kNotFound, "no device waits with this code");
  return rows.front();
}

}  // namespace

Status insert_device_login(Tx& tx, const DeviceLoginRow& row) {
  try {
    tx.sql
        << "INSERT INTO device_logins (hash, user_code, name, address, created_at, expires_at) VALUES (:hash, :code, "
           ":name, :address, :created, :expires)",
        soci::use(row.hash), soci::use(row.user_code), soci::use(row.name), soci::use(row.address),
        soci::use(row.created_at), soci::use(row.expires_at);
    return {};
  } catch (const soci::soci_error& error) {
    if (broken_constraint(error).column == "device_logins.user_code")
      return fail(Code::kAlreadyExists, "this user code is taken");
    throw;
  }
}

Status delete_expired_device_logins(Tx& tx, std::int64_t now) {
  tx.sql << "DELETE FROM device_logins WHERE expires_at <= :now", soci::use(now);
  return {};
}

Status delete_device_logins_of(Tx& tx, const std::string& client_id) {
  tx.sql << "DELETE FROM device_logins WHERE client_id = :client", soci::use(client_id);
  return {};
}

Result<std::int64_t> count_device_logins(Tx& tx) {
  long long count = 0;
  tx.sql << "SELECT COUNT(*) FROM device_logins", soci::into(count);
  return count;
}

Result<DeviceLoginRow> find_device_login(Tx& tx, const std::string& hash) {
  return find_one(tx, "WHERE hash = :hash", hash);
}

Result<DeviceLoginRow> find_device_login_by_user_code(Tx& tx, const std::string& user_code) {
  return find_one(tx, "WHERE user_code = :code", user_code);
}

Status note_device_poll(Tx& tx, const std::string& hash, std::int64_t now) {
  tx.sql << "UPDATE device_logins SET polled_at = :now WHERE hash = :hash", soci::use(now), soci::use(hash);
  return {};
}

Result<bool> decide_device_login(Tx& tx, const std::string& user_code, const std::string& client_id,
                                 const std::string& state, std::int64_t now) {
  return change(tx,
                "UPDATE device_logins SET state = :state, client_id = :client WHERE user_code = :code AND state = "
                "'pending' AND expires_at > :now",
                soci::use(state), soci::use(client_id), soci::use(user_code), soci::use(now)) > 0;
}

Result<bool> delete_device_login(Tx& tx, const std::string& hash) {
  return change(tx, "DELETE FROM device_logins WHERE hash = :hash", soci::use(hash)) > 0;
}

}  // namespace paastech::store
