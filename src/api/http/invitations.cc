// Invitations to the Service, by administrators.
#include "store/invitations.h"
#include "api/account_mail.h"
#include "api/json_body.h"
#include "api/list_page.h"
#include "api/route.h"
#include "api/views.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"

namespace paastech::api {
namespace {

boost::json::object invitation_json(const store::InvitationRow& row) {
  return {{"id", row.id},
          {"email", row.email},
          {"inviter", row.inviter},
          {"created_at", rfc3339(row.created_at)},
          {"expires_at", rfc3339(row.expires_at)}};
}

Status store_invitation(store::Tx& tx, Context& context, const store::InvitationRow& row, const std::string& link) {
  const Result<store::ClientRow> known = store::find_client_by_email(tx, row.email);
  if (known)
    return fail(Code::kAlreadyExists, "email: " + known->username + " has an account with this address",
                "invite another address");
  if (known.error().code != Code::kNotFound) return std::unexpected(known.error());
  TRY(store::insert_invitation(tx, row));
  const mail::Recipient recipient{.service = context.address.fqdn, .to = row.email};
  return add_notice(tx, context, mail::invitation_to_service(recipient, row.inviter, link, kInvitationFor));
}

net::Task<Result<Answer>> invite(CallPtr call) {
  Body body(call->body);
  store::InvitationRow row;
  row.email = lower(body.text("email", 1, 254));
  CO_TRY(body.finish());
  Context& context = call->context();
  if (context.accounts.sign_up == SignUp::kClosed)
    co_return fail(Code::kFailedPrecondition, "this Service takes no new accounts",
                   "set accounts.sign_up to invite, or make the account yourself");
  CO_TRY(check_email(row.email));
  CO_TRY(mail::parse_mailbox(row.email));
  const std::string secret = random_token(32);
  row.id = new_uuid();
  row.hash = token_hash(secret);
  row.inviter_id = call->actor.client_id;
  row.inviter = call->identity->client.username;
  row.created_at = context.clock.now_ms();
  row.expires_at = row.created_at + std::chrono::milliseconds(kInvitationFor).count();
  const std::string link = link_to(context, "/invitation", secret);
  auto work = [&context, row, link](store::Tx& tx) { return store_invitation(tx, context, row, link); };
  CO_TRY(co_await context.database.write(std::move(work)));
  call->object = row.id;
  boost::json::object out = invitation_json(row);
  out["link"] = link;
  out["mailed"] = context.mails != nullptr;
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> list(CallPtr call) {
  CO_TRY_ASSIGN(const ListPage page, read_page(call->query));
  auto load = [now = call->context().clock.now_ms(), page](store::Tx& tx) {
    return store::list_invitations(tx, now, page.after, page.rows());
  };
  CO_TRY_ASSIGN(std::vector<store::InvitationRow> rows, co_await call->context().database.read(std::move(load)));
  const auto show = [](const store::InvitationRow& row) { return invitation_json(row); };
  co_return list_answer(std::move(rows), page, show, [](const store::InvitationRow& row) { return row.email; });
}

net::Task<Result<Answer>> withdraw(CallPtr call) {
  auto remove = [id = call->parameters["invitation"]](store::Tx& tx) { return store::delete_invitation(tx, id); };
  CO_TRY_ASSIGN(const bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed) co_return fail(Code::kNotFound, "there is no such invitation", "it may have been used meanwhile");
  co_return no_content();
}

}  // namespace

void add_invitation_routes(std::vector<Route>& routes) {
  routes.push_back(
      {{"GET", "/api/v1/invitations", Permission::kClientsManage}, list, BodyKind::kNone, {"limit", "cursor"}});
  routes.push_back(
      {{"POST", "/api/v1/invitations", Permission::kClientsManage, "invitation.create"}, invite, BodyKind::kJson});
  routes.push_back(
      {{"DELETE", "/api/v1/invitations/{invitation}", Permission::kClientsManage, "invitation.delete"}, withdraw});
}

}  // namespace paastech::api
