#include "api/auth.h"

#include "base/ids.h"
#include "base/text.h"

namespace paastech::api {
namespace {

constexpr std::size_t kTries = 10;  // failures a minute, of one account and of one address (threat 26)
constexpr std::int64_t kWindowMs = 60'000;
constexpr std::int64_t kTouchEveryMs = 60'000;  // how exact last_used_at is; each update costs a write to disk
constexpr std::string_view kTokenPrefix = "pt_";
constexpr std::size_t kTokenSize = 3 + 43;  // 32 bytes in base64url without padding

// The token of "Bearer TOKEN", or empty where that is not what the header says (RFC 6750 section 2.1).
std::string bearer_token(const std::string& authorization) {
  if (lower(authorization.substr(0, 7)) != "bearer ") return {};
  const std::string token = authorization.substr(7);
  if (token.size() != kTokenSize || !token.starts_with(kTokenPrefix)) return {};
  for (const char c : token) {
    const bool allowed =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!allowed) return {};
  }
  return token;
}

net::Task<void> touch(Context& context, std::string token_id, std::int64_t now) {
  auto work = [token_id, now](store::Tx& tx) { return store::touch_token(tx, token_id, now); };
  Status touched = co_await context.database.write(std::move(work));
  if (!touched) spdlog::warn("noting a token's use: {}", touched.error().message);
}

}  // namespace

std::string token_hash(std::string_view token) { return hex(sha256(token)); }

std::string_view dummy_password_hash() {
  return "$argon2id$v=19$m=65536,t=2,p=1$cGFhc3RlY2gtbm9ib2R5IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}

Auth::Auth(Context& context)
    : context_(context), by_account_(context.clock, kTries, kWindowMs), by_address_(context.clock, kTries, kWindowMs) {}

net::Task<Result<std::optional<Identity>>> Auth::authenticate(std::string authorization) {
  const std::string token = bearer_token(authorization);
  if (token.empty()) co_return std::nullopt;
  const std::string hash = token_hash(token);
  using Found = std::pair<std::optional<Identity>, std::int64_t>;
  auto find = [hash](store::Tx& tx) -> Result<Found> {
    Result<store::TokenRow> row = store::find_token(tx, hash);
    if (!row && row.error().code == Code::kNotFound) return Found{};
    if (!row) return std::unexpected(row.error());
    TRY_ASSIGN(store::ClientRow client, store::find_client(tx, row->client_id));
    return Found{Identity{client, row->id}, row->last_used_at};
  };
  CO_TRY_ASSIGN(Found found, co_await context_.database.read(std::move(find)));
  const std::int64_t now = context_.clock.now_ms();
  // Beside the request: it must not wait for a locked database.
  if (found.first && now - found.second >= kTouchEveryMs)
    context_.tasks.spawn("token use", touch(context_, found.first->token_id, now));
  co_return std::move(found.first);
}

net::Task<Result<Login>> Auth::check_login(std::string email, std::string password, std::string peer) {
  const std::string account = lower(email);
  const std::string address = address_key(peer);
  Login login;
  login.retry_after_ms = by_address_.admit(address);
  if (login.retry_after_ms == 0) login.retry_after_ms = by_account_.admit(account);
  if (login.retry_after_ms > 0) co_return login;
  auto find = [account](store::Tx& tx) -> Result<std::optional<store::ClientRow>> {
    Result<store::ClientRow> row = store::find_client_by_email(tx, account);
    if (row) return *row;
    if (row.error().code == Code::kNotFound) return std::nullopt;
    return std::unexpected(row.error());
  };
  CO_TRY_ASSIGN(std::optional<store::ClientRow> client, co_await context_.database.read(std::move(find)));
  const std::string hash = client ? client->password_hash : std::string(dummy_password_hash());
  auto verify = [hash, password = std::move(password)] { return verify_password(hash, password); };
  bool right = co_await context_.hashing.run(std::move(verify));
  if (!client || !right) co_return login;
  by_address_.take_back(address);
  by_account_.take_back(account);
  login.client = std::move(client);
  co_return login;
}

net::Task<Result<NewToken>> Auth::issue_token(std::string client_id, std::string name) {
  NewToken token;
  token.secret = std::string(kTokenPrefix) + random_token(32);
  token.row.id = new_uuid();
  token.row.client_id = client_id;
  token.row.hash = token_hash(token.secret);
  token.row.name = name;
  token.row.created_at = context_.clock.now_ms();
  token.row.last_used_at = token.row.created_at;
  const store::TokenRow row = token.row;
  auto insert = [row](store::Tx& tx) { return store::insert_token(tx, row); };
  CO_TRY(co_await context_.database.write(std::move(insert)));
  co_return token;
}

net::Task<std::string> Auth::hash(std::string password) {
  auto job = [password = std::move(password)] { return hash_password(password); };
  std::string hashed = co_await context_.hashing.run(std::move(job));
  co_return hashed;
}

}  // namespace paastech::api
