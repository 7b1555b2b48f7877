#include "api/device_login.h"

#include "api/login.h"
#include "api/refusal.h"
#include "base/ids.h"

namespace paastech::api {
namespace {

// RFC 8628 section 6.1: no vowels, so that no words arise; nothing that is read wrongly.
constexpr std::string_view kLetters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::size_t kSize = 8;

std::unexpected<Error> nobody_waits() {
  return fail(Code::kNotFound, "no device waits with this code",
              "check the code that the device shows; it is good for ten minutes and for one login");
}

}  // namespace

std::string new_user_code() {
  constexpr unsigned kFair = 256 / 20 * 20;  // bytes over it would make some letters likelier
  std::string code;
  while (code.size() < kSize)
    for (const char c : random_bytes(kSize)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < kFair && code.size() < kSize) code.push_back(kLetters[byte % kLetters.size()]);
    }
  return code;
}

std::string shown_user_code(std::string_view code) {
  return std::string(code.substr(0, 4)) + "-" + std::string(code.substr(4));
}

std::string normal_user_code(std::string_view written) {
  std::string code;
  for (const char c : written) {
    if (c == '-' || c == ' ') continue;
    const char capital = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (kLetters.find(capital) == std::string_view::npos) return {};
    code.push_back(capital);
  }
  return code.size() == kSize ? code : "";
}

net::Task<Result<store::DeviceLoginRow>> find_waiting_device(CallPtr call, std::string written_code) {
  RateLimit& guesses = call->services.device_guesses;
  const std::string account = call->actor.client_id;
  const std::string address = address_key(call->address);
  std::int64_t wait = guesses.admit(address);
  if (wait == 0) wait = guesses.admit(account);
  if (wait > 0) co_return too_many(*call, wait, "wrong codes within a minute");
  const std::string code = normal_user_code(written_code);
  auto find = [code](store::Tx& tx) { return store::find_device_login_by_user_code(tx, code); };
  Result<store::DeviceLoginRow> row = co_await call->context().database.read(std::move(find));
  const bool waits = row && row->state == "pending" && row->expires_at > call->context().clock.now_ms();
  if (waits || (!row && row.error().code != Code::kNotFound)) {
    guesses.take_back(address);
    guesses.take_back(account);
  }
  if (!waits && (row || row.error().code == Code::kNotFound)) co_return nobody_waits();
  co_return row;
}

net::Task<Status> decide_device(CallPtr call, store::DeviceLoginRow device, bool approved) {
  auto decide = [code = device.user_code, client = call->actor.client_id, approved,
                 now = call->context().clock.now_ms()](store::Tx& tx) {
    return store::decide_device_login(tx, code, client, approved ? "approved" : "denied", now);
  };
  CO_TRY_ASSIGN(bool decided, co_await call->context().database.write(std::move(decide)));
  if (!decided) co_return nobody_waits();
  co_return Status{};
}

Result<std::optional<store::ClientRow>> use_up_device_login(store::Tx& tx, const std::string& hash,
                                                            const store::TokenRow& token) {
  const Result<store::DeviceLoginRow> device = store::find_device_login(tx, hash);
  if (!device && device.error().code == Code::kNotFound) return std::nullopt;
  if (!device) return std::unexpected(device.error());
  const bool approved = device->state == "approved" && device->client_id == token.client_id;
  if (!approved || device->expires_at <= token.created_at) return std::nullopt;
  TRY_ASSIGN(store::ClientRow client, store::find_client(tx, device->client_id));
  TRY(may_log_in(client));
  TRY(store::delete_device_login(tx, hash));
  TRY(store_token(tx, token));
  return client;
}

}  // namespace paastech::api
