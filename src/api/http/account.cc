// One's own account: its address, and its end.
#include "api/account_mail.h"
#include "api/account_removal.h"
#include "api/json_body.h"
#include "api/login.h"
#include "base/text.h"
#include "domain/names.h"
#include "store/accounts.h"

namespace paastech::api {
namespace {

// Beside the answer: a Client does not learn in this way who else has an account.
net::Task<void> mail_change(Context& context, store::ClientRow client, std::string email) {
  auto work = [&context, client, email](store::Tx& tx) -> Status {
    const Result<store::ClientRow> taken = store::find_client_by_email(tx, email);
    if (taken) return {};
    if (taken.error().code != Code::kNotFound) return std::unexpected(taken.error());
    const NewLink link = make_link(context, client.id, store::kChangeEmail, email, kChangeFor);
    TRY(store::insert_link(tx, link.row));
    mail::Recipient recipient = recipient_of(context, client);
    recipient.to = email;
    return context.mails->add(tx,
                              mail::change_address(recipient, link_to(context, "/confirm", link.secret), kChangeFor));
  };
  Status done = co_await context.database.write(std::move(work));
  if (!done) spdlog::warn("mailing a change of address: {}", done.error().message);
}

net::Task<Result<Answer>> change_email(CallPtr call) {
  Body body(call->body);
  const std::string email = lower(body.text("email", 1, 254));
  std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  Context& context = call->context();
  CO_TRY(may_send_mail(context));
  CO_TRY(check_email(email));
  CO_TRY(mail::parse_mailbox(email));
  const store::ClientRow client = call->identity->client;
  if (email == client.email)
    co_return fail(Code::kInvalidArgument, "that is the address of your account already", "give another one");
  CO_TRY(co_await prove_password_again(call, std::move(password)));
  CO_TRY(admit_mail(*call, email));
  context.tasks.spawn("change of address mail", mail_change(context, client, email));
  co_return json_answer(202, {{"state", "confirmation_mailed"}});
}

boost::json::object belongings_json(const store::Belongings& belongings) {
  boost::json::object out;
  out["projects"] = boost::json::array(belongings.projects.begin(), belongings.projects.end());
  out["memberships"] = belongings.memberships;
  out["tokens"] = belongings.tokens;
  out["sessions"] = belongings.sessions;
  out["keys"] = belongings.keys;
  return out;
}

net::Task<Result<Answer>> show_deletion(CallPtr call) {
  auto load = [id = call->actor.client_id](store::Tx& tx) { return store::belongings_of(tx, id); };
  CO_TRY_ASSIGN(const store::Belongings belongings, co_await call->context().database.read(std::move(load)));
  co_return json_answer(200, belongings_json(belongings));
}

net::Task<Result<Answer>> delete_account(CallPtr call) {
  Body body(call->body);
  std::string password = body.text("password", 1, 512);
  CO_TRY(body.finish());
  const store::ClientRow& client = call->identity->client;
  if (call->query.text("confirm") != client.username)
    co_return fail(Code::kInvalidArgument,
                   "deleting your account is not confirmed: `confirm` is not your user name, " + client.username,
                   "see what goes with it, and repeat the request with ?confirm=" + client.username);
  CO_TRY(co_await prove_password_again(call, std::move(password)));
  CO_TRY(co_await remove_account(call->context(), client.id));
  call->services.streams.ask_again(client.id);
  co_return json_answer(202, {{"state", "deleting"}});
}

}  // namespace

void add_account_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"POST", "/api/v1/me/email", Permission::kAccountManage, "account.ask_email"}, change_email, BodyKind::kJson});
  routes.push_back({{"GET", "/api/v1/me/deletion", Permission::kAccountManage}, show_deletion});
  routes.push_back({{"DELETE", "/api/v1/me", Permission::kAccountManage, "account.delete"},
                    delete_account,
                    BodyKind::kJson,
                    {"confirm"}});
}

}  // namespace paastech::api
