#pragma once
// Who is asking: bearer tokens and password logins. Thread: the control-plane loop; hashing runs on its own pool.
#include <optional>
#include <string>

#include "api/context.h"
#include "api/rate_limit.h"
#include "store/clients.h"

namespace paastech::api {

struct Identity {
  store::ClientRow client;
  std::string token_id;
};

struct Login {
  std::optional<store::ClientRow> client = {};  // none: the address or the password is wrong
  std::int64_t retry_after_ms = 0;              // set: too many failures in the last minute, nothing was looked at
};

struct NewToken {
  std::string secret;  // "pt_" + 43 characters of base64url: 256 random bits; shown once
  store::TokenRow row;
};

class Auth {
 public:
  explicit Auth(Context& context);
  // nullopt: no or no valid token. An Error only where the database does not answer.
  net::Task<Result<std::optional<Identity>>> authenticate(std::string authorization);
  // An unknown address takes the same time as a wrong password (threat 18).
  net::Task<Result<Login>> check_login(std::string email, std::string password, std::string peer);
  net::Task<Result<NewToken>> issue_token(std::string client_id, std::string name);
  net::Task<std::string> hash(std::string password);

 private:
  Context& context_;
  RateLimit by_account_;
  RateLimit by_address_;
};

std::string token_hash(std::string_view token);  // hex SHA-256
// A hash that no password opens, as dear to check as a true one.
std::string_view dummy_password_hash();

}  // namespace paastech::api
