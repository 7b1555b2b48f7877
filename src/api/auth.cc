#include "api/auth.h"

#include "api/token_text.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"
#include "domain/totp.h"
#include "store/recovery_codes.h"

namespace paastech::api {
namespace {

constexpr std::size_t kTries = 10;  // failures a minute, of one account and of one address (threat 26)
constexpr std::int64_t kWindowMs = 60'000;
// Of codes moreover 20 an hour of one account: 3 of a million are right at a time (domain/totp.h), so that whoever has
// the password gets in by guessing with 0.15 % a day.
constexpr std::size_t kCodeTries = 20;
constexpr std::int64_t kCodeWindowMs = 3'600'000;
constexpr int kHashing = 2 + 64;           // on the pool's threads, and waiting: some seconds at the most
constexpr std::size_t kMaxLogins = 100;    // of one Client
constexpr std::int64_t kKnownMs = 1'000;   // how long what a token stands for is good (auth.h)
constexpr std::size_t kMostKnown = 1'000;  // of these, some KB each

net::Task<void> touch(Context& context, std::string token_id, std::int64_t now, std::string address) {
  auto work = [token_id, now, address](store::Tx& tx) { return store::touch_token(tx, token_id, now, address); };
  Status touched = co_await context.database.write(std::move(work));
  if (!touched) spdlog::warn("noting a token's use: {}", touched.error().message);
}

bool is_touch_due(const store::TokenRow& token, std::int64_t now) { return now - token.last_used_at >= kTouchEveryMs; }

class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& count_;
};

std::unexpected<Error> too_many_hashes() {
  return fail(Code::kUnavailable, "too many logins are being checked at this moment", "try again in a few seconds");
}

// Uses the code up where it is right.
Result<bool> use_code(store::Tx& tx, const SecretBox& secrets, const std::string& client_id, const std::string& code,
                      std::int64_t now) {
  if (!is_totp_code(code)) return store::use_recovery_code(tx, client_id, hex(sha256(normal_recovery_code(code))));
  TRY_ASSIGN(store::ClientRow client, store::find_client(tx, client_id));
  if (!client.second_factor()) return false;
  TRY_ASSIGN(const std::string seed, secrets.open(client.totp, "totp/" + client_id));
  const std::optional<std::int64_t> step = totp_step_of(seed, code, now, client.totp_step);
  if (!step) return false;
  return store::use_totp_step(tx, client_id, *step);
}

}  // namespace

Actor actor_of(const store::ClientRow& client, const AccountOptions& options) {
  Actor actor;
  actor.client_id = client.id;
  actor.administrator = client.administrator;
  actor.suspended = client.suspended_at != 0;
  actor.second_factor_due =
      client.administrator && options.administrators_need_second_factor && !client.second_factor();
  return actor;
}

Actor actor_of(const Identity& identity, const AccountOptions& options) {
  Actor actor = actor_of(identity.client, options);
  actor.scope = identity.token.scope;
  if (identity.token.limited) actor.projects.emplace(identity.token.projects.begin(), identity.token.projects.end());
  return actor;
}

std::string token_hash(std::string_view token) { return hex(sha256(token)); }

std::string bearer_token(const std::string& authorization) {
  if (lower(authorization.substr(0, 7)) != "bearer ") return {};
  const std::string token = authorization.substr(7);
  return is_token(token) ? token : "";
}

std::string_view dummy_password_hash() {
  return "$argon2id$v=19$m=65536,t=2,p=1$cGFhc3RlY2gtbm9ib2R5IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}

bool has_ended(const store::TokenRow& token, std::int64_t now) {
  if (token.expires_at != 0 && token.expires_at <= now) return true;
  const std::int64_t idle = now - token.last_used_at;
  return (token.kind == "web" && idle >= kWebIdleMs) || (token.kind == "cli" && idle >= kIdleMs);
}

Auth::Auth(Context& context)
    : context_(context),
      by_account_(context.clock, kTries, kWindowMs),
      by_address_(context.clock, kTries, kWindowMs),
      codes_(context.clock, kCodeTries, kCodeWindowMs) {}

IdentityPtr Auth::known(const std::string& hash) const {
  const auto found = known_.find(hash);
  if (found == known_.end()) return nullptr;
  const Known& known = found->second;
  const store::TokenRow& token = known.identity->token;
  const std::int64_t now = context_.clock.now_ms();
  const bool fresh =
      known.writes == context_.database.writes() && context_.clock.steady_ms() - known.read_ms < kKnownMs;
  return fresh && !has_ended(token, now) && !is_touch_due(token, now) ? known.identity : nullptr;
}

net::Task<Result<IdentityPtr>> Auth::authenticate(std::string token, std::string address) {
  if (token.empty()) co_return nullptr;
  const std::string hash = token_hash(token);
  if (IdentityPtr one = known(hash)) co_return std::move(one);
  const std::int64_t now = context_.clock.now_ms();
  const Known before{nullptr, context_.database.writes(), context_.clock.steady_ms()};
  auto find = [hash, now](store::Tx& tx) -> Result<IdentityPtr> {
    Result<store::TokenRow> row = store::find_token(tx, hash);
    if (!row && row.error().code == Code::kNotFound) return nullptr;
    if (!row) return std::unexpected(row.error());
    if (has_ended(*row, now)) return nullptr;
    TRY_ASSIGN(store::ClientRow client, store::find_client(tx, row->client_id));
    return std::make_shared<const Identity>(std::move(client), std::move(*row));
  };
  CO_TRY_ASSIGN(IdentityPtr found, co_await context_.database.read(std::move(find)));
  if (!found) co_return nullptr;
  if (known_.size() >= kMostKnown) known_.clear();
  known_[hash] = {found, before.writes, before.read_ms};
  // Beside the request: it must not wait for a locked database.
  if (is_touch_due(found->token, now))
    context_.tasks.spawn("token use", touch(context_, found->token.id, now, std::move(address)));
  co_return std::move(found);
}

std::int64_t Auth::admit(const std::string& account, const std::string& address) {
  const std::int64_t wait = by_address_.admit(address);
  return wait > 0 ? wait : by_account_.admit(account);
}

void Auth::take_back(const std::string& account, const std::string& address) {
  by_address_.take_back(address);
  by_account_.take_back(account);
}

net::Task<Result<Login>> Auth::check_login(std::string email, std::string password, std::string peer) {
  const std::string account = lower(email);
  const std::string address = address_key(peer);
  Login login;
  login.retry_after_ms = admit(account, address);
  if (login.retry_after_ms > 0) co_return login;
  // Nobody has an address that is none; a database may yet find another by it, which is not the one counted here:
  // PostgreSQL is given text up to its first NUL. It is looked for all the same, for the time that takes.
  const std::string wanted = check_email(account) ? account : "";
  auto find = [wanted](store::Tx& tx) -> Result<std::optional<store::ClientRow>> {
    Result<store::ClientRow> row = store::find_client_by_email(tx, wanted);
    if (row) return *row;
    if (row.error().code == Code::kNotFound) return std::nullopt;
    return std::unexpected(row.error());
  };
  Result<std::optional<store::ClientRow>> client = co_await context_.database.read(std::move(find));
  Result<bool> right = false;
  if (client) {
    std::string hash = *client ? (*client)->password_hash : std::string(dummy_password_hash());
    right = co_await verify(std::move(hash), std::move(password));
  }
  // Nothing was found out, so it does not count.
  if (!client || !right) take_back(account, address);
  if (!client) co_return std::unexpected(client.error());
  if (!right) co_return std::unexpected(right.error());
  // An address that was never confirmed too: a stranger who signed up with it must not learn that it was unknown.
  if (!*client || !*right || (*client)->confirmed_at == 0) co_return login;
  take_back(account, address);
  login.client = std::move(*client);
  co_return login;
}

net::Task<Result<Login>> Auth::check_password(store::ClientRow client, std::string password, std::string peer) {
  const std::string address = address_key(peer);
  Login login;
  login.retry_after_ms = admit(client.email, address);
  if (login.retry_after_ms > 0) co_return login;
  Result<bool> right = co_await verify(client.password_hash, std::move(password));
  if (!right || *right) take_back(client.email, address);
  if (!right) co_return std::unexpected(right.error());
  if (*right) login.client = std::move(client);
  co_return login;
}

net::Task<Result<Login>> Auth::check_code(store::ClientRow client, std::string code, std::string peer) {
  const std::string address = address_key(peer);
  Login login;
  login.retry_after_ms = codes_.admit(client.id);
  if (login.retry_after_ms == 0) {
    login.retry_after_ms = admit(client.email, address);
    if (login.retry_after_ms > 0) codes_.take_back(client.id);
  }
  if (login.retry_after_ms > 0) co_return login;
  const std::int64_t now = context_.clock.now_ms();
  auto use = [this, id = client.id, code, now](store::Tx& tx) { return use_code(tx, context_.secrets, id, code, now); };
  Result<bool> right = co_await context_.database.write(std::move(use));
  if (!right || *right) {
    take_back(client.email, address);
    codes_.take_back(client.id);
  }
  if (!right) co_return std::unexpected(right.error());
  if (*right) login.client = std::move(client);
  co_return login;
}

NewToken Auth::make_token(store::TokenRow row) const {
  NewToken token{row.kind == "api" ? new_api_token() : new_login_token(), std::move(row)};
  token.row.id = new_uuid();
  token.row.hash = token_hash(token.secret);
  token.row.created_at = context_.clock.now_ms();
  token.row.last_used_at = token.row.kind == "api" ? 0 : token.row.created_at;  // logging in is a use
  if (token.row.kind == "web") token.row.expires_at = token.row.created_at + kWebLoginMs;
  return token;
}

Status store_token(store::Tx& tx, const store::TokenRow& row) {
  if (row.kind != "api") TRY(store::delete_oldest_logins(tx, row.client_id, kMaxLogins - 1));
  return store::insert_token(tx, row);
}

template <class Job>
net::Task<Result<std::invoke_result_t<Job&>>> Auth::run_hashing(Job job) {
  if (hashing_ >= kHashing) co_return too_many_hashes();
  const Counted counted(hashing_);
  auto timed = [job = std::move(job)]() mutable {
    const auto begun = std::chrono::steady_clock::now();
    auto result = job();
    return std::pair(std::move(result), std::chrono::steady_clock::now() - begun);
  };
  auto [result, time] = co_await context_.hashing.run(std::move(timed));
  ++hashing_time_.hashes;
  hashing_time_.time += time;
  co_return std::move(result);
}

net::Task<Result<bool>> Auth::verify(std::string hash, std::string password) {
  auto job = [hash = std::move(hash), password = std::move(password)] { return verify_password(hash, password); };
  Result<bool> right = co_await run_hashing(std::move(job));
  co_return right;
}

net::Task<Result<std::string>> Auth::hash(std::string password) {
  CO_TRY(co_await context_.database.takes_changes());
  auto job = [password = std::move(password)] { return hash_password(password); };
  Result<std::string> hashed = co_await run_hashing(std::move(job));
  co_return hashed;
}

}  // namespace paastech::api
