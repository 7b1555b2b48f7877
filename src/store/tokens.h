#pragma once
// Tables tokens and token_projects: logins of Clients and tokens for programs, found by the hash of their secret.
// Called inside Database::write or read.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/policy.h"
#include "store/database.h"

namespace paastech::store {

struct TokenRow {
  std::string id;
  std::string client_id;
  std::string hash;  // hex SHA-256
  std::string name;
  std::int64_t created_at = 0;
  std::int64_t last_used_at = 0;
  std::string kind = "cli";  // cli | web | api
  Scope scope = Scope::kSession;
  bool limited = false;                    // to `projects`; deleting the last of them does not open the others
  std::int64_t expires_at = 0;             // 0: never
  std::string address = {};                // where it was used last from
  std::vector<std::string> projects = {};  // ids
};
// kNotFound where the Client or a Project is unknown.
Status insert_token(Tx& tx, const TokenRow& row);
Result<TokenRow> find_token(Tx& tx, const std::string& hash);                     // kNotFound
Result<std::vector<TokenRow>> list_tokens(Tx& tx, const std::string& client_id);  // oldest first
// Sets last_used_at, never back, and the address.
Status touch_token(Tx& tx, const std::string& id, std::int64_t now, const std::string& address);
Result<bool> delete_token(Tx& tx, const std::string& id);
// api: a token for a program, else a login; one of the other sort is not found.
Result<bool> delete_token_of(Tx& tx, const std::string& client_id, const std::string& id, bool api);
// Ends the logins (cli and web) of a Client but the one named; empty: all of them. Gives how many.
Result<std::int64_t> delete_logins(Tx& tx, const std::string& client_id, const std::string& but);
// Of the logins of a Client all but the `keep` used last go.
Status delete_oldest_logins(Tx& tx, const std::string& client_id, std::size_t keep);
// The names of the Projects that the tokens of a Client are limited to: token id → names, sorted.
Result<std::map<std::string, std::vector<std::string>>> token_project_names(Tx& tx, const std::string& client_id);
Status delete_expired_tokens(Tx& tx, std::int64_t now);

}  // namespace paastech::store
