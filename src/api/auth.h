#pragma once
// Who is asking: tokens, passwords and second factors. Thread: the control-plane loop; hashing runs on its own pool.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>

#include "api/context.h"
#include "base/rate_limit.h"
#include "domain/policy.h"
#include "store/clients.h"
#include "store/tokens.h"

namespace paastech::api {

struct Identity {
  store::ClientRow client;
  store::TokenRow token;
};
using IdentityPtr = std::shared_ptr<const Identity>;
Actor actor_of(const Identity& identity, const AccountOptions& options);
// Of an SSH key, which stands for the Client itself.
Actor actor_of(const store::ClientRow& client, const AccountOptions& options);

// What a check of a password or a code gave.
struct Login {
  std::optional<store::ClientRow> client = {};  // none: it is wrong
  std::int64_t retry_after_ms = 0;              // set: too many failures in the last minute, nothing was looked at
};

struct NewToken {
  std::string secret;  // shown once; api/token_text.h
  store::TokenRow row;
};

// Logins end by themselves: in a browser 30 days after they began or after 7 days without use, else after 90 days
// without use. A stolen laptop or an old backup is thereby no key for ever; who works with it notices nothing.
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kWebLoginMs = 30 * kDayMs;
constexpr std::int64_t kWebIdleMs = 7 * kDayMs;
constexpr std::int64_t kIdleMs = 90 * kDayMs;
// How exact last_used_at is, of keys too: each update is a write to disk.
constexpr std::int64_t kTouchEveryMs = 60'000;
bool has_ended(const store::TokenRow& token, std::int64_t now);

// What password hashing took since the start, which is nearly all of what a login costs: time waited for a core is in
// it, time waited in the queue is not.
struct HashingTime {
  std::int64_t hashes = 0;
  std::chrono::nanoseconds time{0};
};

class Auth {
 public:
  explicit Auth(Context& context);
  const HashingTime& hashing_time() const { return hashing_time_; }
  // Null: no or no valid token. An Error only where the database does not answer. What was found is good for a second
  // as long as this process writes nothing: a change made through this API counts at once, one made beside it a second
  // later.
  net::Task<Result<IdentityPtr>> authenticate(std::string token, std::string address);
  // An unknown address takes the same time as a wrong password (threat 18). Also where the password is right the second
  // factor is still to be checked. All that hash: kUnavailable where too many wait for it already.
  net::Task<Result<Login>> check_login(std::string email, std::string password, std::string address);
  // Of one who is logged in, once more, before what could lock the owner out.
  net::Task<Result<Login>> check_password(store::ClientRow client, std::string password, std::string address);
  // A code of the authenticator or a recovery code; either is used up by it.
  net::Task<Result<Login>> check_code(store::ClientRow client, std::string code, std::string address);
  // Sets id, hash and times; the rest is the caller's, whose transaction calls store_token().
  NewToken make_token(store::TokenRow row) const;
  // Of a new password. kUnavailable before anything is hashed, where the database would not take it.
  net::Task<Result<std::string>> hash(std::string password);

 private:
  struct Known {
    IdentityPtr identity;
    std::uint64_t writes = 0;  // of the database, before it was read
    std::int64_t read_ms = 0;  // steady
  };
  IdentityPtr known(const std::string& hash) const;
  net::Task<Result<bool>> verify(std::string hash, std::string password);
  template <class Job>
  net::Task<Result<std::invoke_result_t<Job&>>> run_hashing(Job job);
  std::int64_t admit(const std::string& account, const std::string& address);
  void take_back(const std::string& account, const std::string& address);
  Context& context_;
  RateLimit by_account_;
  RateLimit by_address_;
  RateLimit codes_;
  int hashing_ = 0;  // running or waiting
  HashingTime hashing_time_;
  std::unordered_map<std::string, Known> known_;  // by the hash of the token
};

Status store_token(store::Tx& tx, const store::TokenRow& row);  // of logins a Client has the 100 used last

std::string token_hash(std::string_view token);  // hex SHA-256
// The token of "Bearer TOKEN", or empty where that is not what the header says (RFC 6750 section 2.1).
std::string bearer_token(const std::string& authorization);
// A hash that no password opens, as dear to check as a true one.
std::string_view dummy_password_hash();

}  // namespace paastech::api
