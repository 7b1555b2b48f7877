#pragma once
// Tables clients and ssh_keys. Called inside Database::write or read, on the database's thread; what SQL refuses leaves
// as SOCI's exception and is mapped there. E-mail addresses and user names are kept and compared in lower case.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct ClientRow {
  std::string id;
  std::string email;
  std::string username;
  std::string password_hash;
  bool administrator = false;
  std::int64_t created_at = 0;
  std::int64_t confirmed_at = 0;  // 0: the address was never confirmed
  std::int64_t suspended_at = 0;  // 0: is not
  std::string plan = "default";
  std::string totp = {};              // sealed; empty: no second factor
  std::int64_t totp_step = 0;         // the last time step whose code was used; 0: the seed is not confirmed yet
  std::string suspended_reason = {};  // one line, for the Client's eyes
  bool second_factor() const { return !totp.empty() && totp_step > 0; }
};
Status insert_client(Tx& tx, const ClientRow& row);            // kAlreadyExists names the taken field
Result<ClientRow> find_client(Tx& tx, const std::string& id);  // kNotFound
Result<ClientRow> find_client_by_email(Tx& tx, const std::string& email);
Result<ClientRow> find_client_by_username(Tx& tx, const std::string& username);
Result<std::vector<ClientRow>> list_clients(Tx& tx);  // by user name
Result<std::int64_t> count_clients(Tx& tx);
// 0: is no longer. kNotFound
Status set_suspended(Tx& tx, const std::string& id, std::int64_t at, const std::string& reason = "");
// Empty and 0: no second factor. A seed of step 0 is not confirmed yet. kNotFound
Status set_totp(Tx& tx, const std::string& id, const std::string& sealed, std::int64_t step);
// False where that step or a later one was used already.
Result<bool> use_totp_step(Tx& tx, const std::string& id, std::int64_t step);

struct KeyRow {
  std::string id;
  std::string client_id;
  std::string type;
  std::string public_key;
  std::string fingerprint;
  std::string comment;
  std::int64_t created_at = 0;
  std::int64_t last_used_at = 0;
};
Status insert_key(Tx& tx, const KeyRow& row);  // kAlreadyExists where any Client has it
Result<std::vector<KeyRow>> list_keys(Tx& tx, const std::string& client_id);
Result<KeyRow> find_key(Tx& tx, const std::string& fingerprint);    // kNotFound
Status touch_key(Tx& tx, const std::string& id, std::int64_t now);  // sets last_used_at; never back
Result<bool> delete_key(Tx& tx, const std::string& client_id, const std::string& id);

}  // namespace paastech::store
