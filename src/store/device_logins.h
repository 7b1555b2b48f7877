#pragma once
// Table device_logins: devices that wait to be let in (RFC 8628). Called inside Database::write or read.
#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct DeviceLoginRow {
  std::string hash;       // hex SHA-256 of the device code, the device's own secret
  std::string user_code;  // what its owner types: 8 letters without the hyphen
  std::string name;
  std::string address;
  std::string client_id = {};     // who decided
  std::string state = "pending";  // pending | approved | denied
  std::int64_t polled_at = 0;
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
};
// kAlreadyExists: the user code is taken, be it by one that has expired.
Status insert_device_login(Tx& tx, const DeviceLoginRow& row);
Status delete_expired_device_logins(Tx& tx, std::int64_t now);
Status delete_device_logins_of(Tx& tx, const std::string& client_id);  // that it approved or denied
Result<std::int64_t> count_device_logins(Tx& tx);
Result<DeviceLoginRow> find_device_login(Tx& tx, const std::string& hash);  // kNotFound
Result<DeviceLoginRow> find_device_login_by_user_code(Tx& tx, const std::string& user_code);
Status note_device_poll(Tx& tx, const std::string& hash, std::int64_t now);
// False where it is no longer pending, or has expired.
Result<bool> decide_device_login(Tx& tx, const std::string& user_code, const std::string& client_id,
                                 const std::string& state, std::int64_t now);
Result<bool> delete_device_login(Tx& tx, const std::string& hash);

}  // namespace paastech::store
