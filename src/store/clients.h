#pragma once
// Tables clients, tokens and ssh_keys. Called inside Database::write or read, on the database's thread; what SQL
// refuses leaves as SOCI's exception and is mapped there. E-mail addresses and user names are kept and compared in
// lower case.
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
};
Status insert_client(Tx& tx, const ClientRow& row);            // kAlreadyExists names the taken field
Result<ClientRow> find_client(Tx& tx, const std::string& id);  // kNotFound
Result<ClientRow> find_client_by_email(Tx& tx, const std::string& email);
Result<std::vector<ClientRow>> list_clients(Tx& tx);  // by user name
Result<std::int64_t> count_clients(Tx& tx);

struct TokenRow {
  std::string id;
  std::string client_id;
  std::string hash;  // hex SHA-256
  std::string name;
  std::int64_t created_at = 0;
  std::int64_t last_used_at = 0;
};
Status insert_token(Tx& tx, const TokenRow& row);
Result<TokenRow> find_token(Tx& tx, const std::string& hash);                     // kNotFound
Result<std::vector<TokenRow>> list_tokens(Tx& tx, const std::string& client_id);  // oldest first
Status touch_token(Tx& tx, const std::string& id, std::int64_t now);              // sets last_used_at; never back
Result<bool> delete_token(Tx& tx, const std::string& id);

struct KeyRow {
  std::string id;
  std::string client_id;
  std::string type;
  std::string public_key;
  std::string fingerprint;
  std::string comment;
  std::int64_t created_at = 0;
};
Status insert_key(Tx& tx, const KeyRow& row);  // kAlreadyExists where any Client has it
Result<std::vector<KeyRow>> list_keys(Tx& tx, const std::string& client_id);
Result<KeyRow> find_key(Tx& tx, const std::string& fingerprint);  // kNotFound
Result<bool> delete_key(Tx& tx, const std::string& client_id, const std::string& id);

}  // namespace paastech::store
