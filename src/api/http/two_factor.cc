// The second factor: set up, confirmed, turned off.
#include "api/account_mail.h"
#include "api/json_body.h"
#include "api/login.h"
#include "api/route.h"
#include "base/ids.h"
#include "domain/totp.h"
#include "store/recovery_codes.h"

namespace paastech::api {
namespace {

net::Task<Result<Answer>> show_two_factor(CallPtr call) {
  auto count = [client = call->actor.client_id](store::Tx& tx) { return store::count_recovery_codes(tx, client); };
  CO_TRY_ASSIGN(std::int64_t left, co_await call->context().database.read(std::move(count)));
  boost::json::object out;
  out["enabled"] = call->identity->client.second_factor();
  out["recovery_codes_left"] = left;
  co_return json_answer(200, out);
}

std::unexpected<Error> on_already() {
  return fail(Code::kFailedPrecondition, "your account has a second factor already",
              "turn it off first: paastech 2fa disable");
}

// A seed that is not confirmed yet asks nothing at a login; beginning again replaces it.
net::Task<Result<Answer>> begin(CallPtr call) {
  Body body(call->body);
  const std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  if (call->identity->client.second_factor()) co_return on_already();
  CO_TRY(co_await prove_password_again(call, password));
  const std::string seed = random_bytes(kTotpSeedBytes);
  const std::string client = call->actor.client_id;
  const std::string sealed = call->context().secrets.seal(seed, "totp/" + client);
  auto keep = [client, sealed](store::Tx& tx) -> Status {
    TRY_ASSIGN(const store::ClientRow row, store::find_client(tx, client));
    if (row.second_factor()) return on_already();
    return store::set_totp(tx, client, sealed, 0);
  };
  CO_TRY(co_await call->context().database.write(std::move(keep)));
  boost::json::object out;
  out["secret"] = base32(seed);
  out["uri"] = totp_uri(seed, "PaaSTech " + call->context().address.fqdn, call->identity->client.email);
  co_return json_answer(200, out);
}

net::Task<Result<Answer>> confirm_second_factor(CallPtr call) {
  Body body(call->body);
  const std::string code = body.text("code", 1, 20);
  CO_TRY(body.finish());
  boost::json::array shown;
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    const std::string one = recovery_code_of(random_bytes(kRecoveryCodeBytes));
    shown.emplace_back(one);
    hashes.push_back(hex(sha256(normal_recovery_code(one))));
  }
  Context& context = call->context();
  auto turn_on = [&secrets = context.secrets, client = call->actor.client_id, code, hashes,
                  now = context.clock.now_ms()](store::Tx& tx) -> Status {
    TRY_ASSIGN(const store::ClientRow row, store::find_client(tx, client));
    if (row.second_factor()) return on_already();
    if (row.totp.empty())
      return fail(Code::kFailedPrecondition, "no second factor is being set up", "begin with: paastech 2fa enable");
    TRY_ASSIGN(const std::string seed, secrets.open(row.totp, "totp/" + client));
    const std::optional<std::int64_t> step = totp_step_of(seed, code, now, 0);
    if (!step)
      return fail(Code::kInvalidArgument, "`code` is not what your authenticator must show now",
                  "check that its clock and that of this Service are right, and send the present code");
    TRY(store::set_totp(tx, client, row.totp, *step));
    return store::set_recovery_codes(tx, client, hashes);
  };
  CO_TRY(co_await context.database.write(std::move(turn_on)));
  boost::json::object out;
  out["recovery_codes"] = std::move(shown);
  co_return json_answer(200, out);
}

net::Task<Result<Answer>> turn_off(CallPtr call) {
  Body body(call->body);
  const std::string password = body.text("password", 1, 512);
  const std::string code = body.text("code", 1, 100);
  CO_TRY(body.finish());
  if (!call->identity->client.second_factor())
    co_return fail(Code::kFailedPrecondition, "your account has no second factor", "set one up: paastech 2fa enable");
  CO_TRY(co_await prove_password_again(call, password));
  Status right = co_await prove_code(call, call->identity->client, code);
  // It is logged in: 401 would tell a program to log in again.
  if (!right && right.error().code == Code::kUnauthenticated) right.error().code = Code::kPermissionDenied;
  CO_TRY(std::move(right));
  Context& context = call->context();
  auto remove = [&context, client = call->identity->client, address = call->address](store::Tx& tx) -> Status {
    TRY(store::set_totp(tx, client.id, "", 0));
    TRY(store::set_recovery_codes(tx, client.id, {}));
    return add_notice(
        tx, context,
        mail::two_factor_off(recipient_of(context, client), event_now(context, address), link_to(context, "/forgot")));
  };
  CO_TRY(co_await call->context().database.write(std::move(remove)));
  co_return no_content();
}

}  // namespace

void add_two_factor_routes(std::vector<Route>& routes) {
  const Permission manage = Permission::kAccountManage;
  routes.push_back({{"GET", "/api/v1/me/two-factor", manage}, show_two_factor});
  routes.push_back({{"POST", "/api/v1/me/two-factor", manage, "two_factor.begin"}, begin, BodyKind::kJson});
  routes.push_back(
      {{"POST", "/api/v1/me/two-factor/confirm", manage, "two_factor.enable"}, confirm_second_factor, BodyKind::kJson});
  routes.push_back({{"DELETE", "/api/v1/me/two-factor", manage, "two_factor.disable"}, turn_off, BodyKind::kJson});
}

}  // namespace paastech::api
