// The device's side of a login by another one's browser (RFC 8628).
#include "api/account_mail.h"
#include "api/device_login.h"
#include "api/json_body.h"
#include "api/login.h"
#include "api/origin.h"
#include "api/refusal.h"
#include "api/route.h"
#include "api/text_out.h"
#include "api/views.h"
#include "base/ids.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kMaxWaiting = 10'000;    // of the Service: what the table may cost
constexpr std::int64_t kSoonestPollMs = 4'000;  // the network may bring two polls closer together than they were sent
constexpr int kDraws = 5;                       // of a user code; a second one is needed once in 2.6 million logins

net::Task<Result<Answer>> start_device_login(CallPtr call) {
  Body body(call->body);
  const std::string name = body.text("name", 1, 100);
  CO_TRY(body.finish());
  const std::int64_t wait = call->services.device_starts.admit(address_key(call->address));
  if (wait > 0) co_return too_many(*call, wait, "logins begun within a minute");
  const std::string device_code = random_token(32);
  store::DeviceLoginRow row;
  row.hash = token_hash(device_code);
  row.name = safe_line(name);
  row.address = call->address;
  row.created_at = call->context().clock.now_ms();
  row.expires_at = row.created_at + kDeviceMs;
  auto insert = [row](store::Tx& tx) -> Result<std::string> {
    TRY(store::delete_expired_device_logins(tx, row.created_at));
    TRY_ASSIGN(const std::int64_t waiting, store::count_device_logins(tx));
    if (waiting >= kMaxWaiting)
      return fail(Code::kUnavailable, "too many devices wait to be let in", "try again in some minutes");
    store::DeviceLoginRow wanted = row;
    for (int i = 0; i < kDraws; ++i) {
      wanted.user_code = new_user_code();
      if (store::find_device_login_by_user_code(tx, wanted.user_code)) continue;
      TRY(store::insert_device_login(tx, wanted));
      return wanted.user_code;
    }
    return fail(Code::kUnavailable, "no free code was found", "try again");
  };
  CO_TRY_ASSIGN(std::string user_code, co_await call->context().database.write(std::move(insert)));
  call->audited = true;  // nobody is let in yet
  const std::string shown = shown_user_code(user_code);
  const std::string page = Site(call->context().address.api_url).origin() + "/device";
  boost::json::object out;
  out["device_code"] = device_code;
  out["user_code"] = shown;
  out["verification_uri"] = page;
  out["verification_uri_complete"] = page + "?user_code=" + shown;
  out["expires_in"] = kDeviceMs / 1000;
  out["interval"] = kPollMs / 1000;
  co_return json_answer(201, out);
}

// The answers of RFC 8628 section 3.5, with status 400 as there.
std::unexpected<Error> not_yet(Call& call, std::string code, std::string message, std::string hint) {
  return refuse(call, 400, std::move(code), {Code::kFailedPrecondition, std::move(message), std::move(hint)});
}

net::Task<Result<Answer>> let_in(CallPtr call, store::DeviceLoginRow device) {
  store::TokenRow wanted;
  wanted.client_id = device.client_id;
  wanted.kind = "cli";
  wanted.name = device.name;
  wanted.address = call->address;
  const NewToken token = call->services.auth.make_token(std::move(wanted));
  Context& context = call->context();
  auto use_up = [&context, hash = device.hash,
                 row = token.row](store::Tx& tx) -> Result<std::optional<store::ClientRow>> {
    TRY_ASSIGN(std::optional<store::ClientRow> client, use_up_device_login(tx, hash, row));
    if (client) TRY(add_login_notice(tx, context, *client, row));
    return client;
  };
  CO_TRY_ASSIGN(std::optional<store::ClientRow> client, co_await context.database.write(std::move(use_up)));
  if (!client)
    co_return not_yet(*call, "expired_token", "this login was used already, or its approval was withdrawn",
                      "begin again: paastech login");
  call->tried = *client;
  boost::json::object out;
  out["token"] = token.secret;
  out["token_id"] = token.row.id;
  out["client"] = to_json(*client);
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> poll(CallPtr call) {
  Body body(call->body);
  const std::string device_code = body.text("device_code", 1, 100);
  CO_TRY(body.finish());
  const std::int64_t now = call->context().clock.now_ms();
  auto find = [hash = token_hash(device_code)](store::Tx& tx) { return store::find_device_login(tx, hash); };
  Result<store::DeviceLoginRow> found = co_await call->context().database.read(std::move(find));
  if (!found && found.error().code != Code::kNotFound) co_return std::unexpected(found.error());
  if (!found || found->expires_at <= now)
    co_return not_yet(*call, "expired_token", "this login was not approved in time, or is over",
                      "begin again: paastech login");
  const store::DeviceLoginRow& device = *found;
  if (device.state == "denied")
    co_return not_yet(*call, "access_denied", "the login was denied in the browser", "begin again: paastech login");
  if (now - device.polled_at < kSoonestPollMs)
    co_return not_yet(*call, "slow_down", "this was asked too soon after the last time",
                      "ask five seconds less often from now on");
  if (device.state == "approved") {
    Result<Answer> answer = co_await let_in(call, device);
    co_return answer;
  }
  auto note = [hash = device.hash, now](store::Tx& tx) { return store::note_device_poll(tx, hash, now); };
  CO_TRY(co_await call->context().database.write(std::move(note)));
  co_return not_yet(*call, "authorization_pending", "the login is not approved yet",
                    "open the page in a browser and approve it there");
}

}  // namespace

void add_device_routes(std::vector<Route>& routes) {
  const Permission anybody = Permission::kPublic;
  routes.push_back({{"POST", "/api/v1/device/code", anybody, "device.begin"}, start_device_login, BodyKind::kJson});
  routes.push_back({{"POST", "/api/v1/device/token", anybody, "device.log_in"}, poll, BodyKind::kJson});
}

}  // namespace paastech::api
