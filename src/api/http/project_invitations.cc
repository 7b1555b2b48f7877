// Invitations to a Project and transfers: make, list, withdraw, accept.
#include "api/project_invitations.h"

#include "api/account_mail.h"
#include "api/json_body.h"
#include "api/mail_queue.h"
#include "api/refusal.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"
#include "domain/names.h"
#include "mail/templates.h"

namespace paastech::api {
namespace {

boost::json::object project_invitation_json(const store::ProjectInvitationRow& row) {
  boost::json::object out{{"id", row.id},
                          {"role", to_text(row.role)},
                          {"inviter", row.inviter},
                          {"created_at", rfc3339(row.created_at)},
                          {"expires_at", rfc3339(row.expires_at)}};
  if (row.email.empty())
    out["username"] = row.username;
  else
    out["email"] = row.email;
  return out;
}

// Whom the body names, by exactly one of the two.
Status read_invited(Body& body, store::ProjectInvitationRow& row) {
  const std::optional<std::string> email = body.optional_text("email", 1, 254);
  const std::optional<std::string> username = body.optional_text("username", 1, 30);
  TRY(body.finish());
  if (email.has_value() == username.has_value())
    return fail(Code::kInvalidArgument, "give either `email` or `username`", "it says who is invited");
  if (email) {
    TRY(check_email(*email));
    TRY(mail::parse_mailbox(*email));
  }
  if (username) TRY(check_username(*username));
  row.email = lower(email.value_or(""));
  row.username = lower(username.value_or(""));
  return {};
}

Status check_room(store::Tx& tx, const store::ProjectRow& project, const store::ProjectInvitationRow& row) {
  TRY_ASSIGN(const std::vector<store::PersonRow> people, store::list_people(tx, project.id));
  TRY_ASSIGN(const std::vector<store::ProjectInvitationRow> open,
             store::list_project_invitations(tx, project.id, row.created_at));
  for (const store::PersonRow& person : people)
    if (person.client_id == row.client_id && (person.role == Role::kOwner || row.role != Role::kOwner))
      return fail(
          Code::kFailedPrecondition,
          row.username + " is " + std::string(to_text(person.role)) + " of project " + project.name + " already",
          "change a member's role with: paastech members set");
  if (people.size() + open.size() >= kMaxPeople)
    return fail(Code::kFailedPrecondition,
                "project " + project.name + " has " + std::to_string(kMaxPeople) +
                    " members and open invitations, which is the most",
                "withdraw one first: paastech members invitations");
  return {};
}

Result<store::ClientRow> find_invited(store::Tx& tx, const std::string& username) {
  Result<store::ClientRow> client = store::find_client_by_username(tx, username);
  if (!client && client.error().code == Code::kNotFound)
    return fail(Code::kNotFound, "there is no account " + username + " on this Service",
                "invite by e-mail address whoever has no account yet");
  return client;
}

// An address that had enough mails within the hour gets no more; the inviter has the link.
bool admit_invited(Call& call, const std::string& to) {
  return call.context().mails != nullptr && call.services.account_limits.mails_to.admit(to) == 0;
}

// One transaction: the row, and the mail to that address, where one goes out.
Status store_invitation(store::Tx& tx, Call& call, const store::ProjectInvitationRow& row, const std::string& link,
                        const std::string& to) {
  TRY(check_room(tx, call.project, row));
  TRY(store::insert_project_invitation(tx, row));
  if (to.empty()) return {};
  const mail::Recipient recipient{call.context().address.fqdn, to, row.username};
  return call.context().mails->add(tx, mail::invitation_to_project(recipient, row.inviter, call.project.name,
                                                                   to_text(row.role), link, kInvitationFor));
}

net::Task<Result<Answer>> make_invitation(CallPtr call, store::ProjectInvitationRow row) {
  const std::int64_t wait = call->services.invitations.admit(call->actor.client_id);
  if (wait > 0) co_return too_many(*call, wait, "invitations within an hour");
  const std::string secret = random_token(32);
  row.id = new_uuid();
  row.hash = token_hash(secret);
  row.project_id = call->project.id;
  row.inviter_id = call->actor.client_id;
  row.inviter = call->identity->client.username;
  row.created_at = call->context().clock.now_ms();
  row.expires_at = row.created_at + std::chrono::milliseconds(kInvitationFor).count();
  const std::string link = link_to(call->context(), "/project-invitation", secret);
  std::string to = row.email;
  if (!row.username.empty()) {
    auto find = [username = row.username](store::Tx& tx) { return find_invited(tx, username); };
    CO_TRY_ASSIGN(const store::ClientRow client, co_await call->context().database.read(std::move(find)));
    row.client_id = client.id;
    to = client.email;
  }
  const bool mailed = admit_invited(*call, to);
  auto store_it = [call, row, link, to = mailed ? to : std::string()](store::Tx& tx) {
    return store_invitation(tx, *call, row, link, to);
  };
  Status stored = co_await call->context().database.write(std::move(store_it));
  if (!stored && mailed) call->services.account_limits.mails_to.take_back(to);
  CO_TRY(std::move(stored));
  // An address is nothing for every member's eyes.
  call->object = std::string(to_text(row.role)) + " " + (row.username.empty() ? row.id : row.username);
  boost::json::object out = project_invitation_json(row);
  out["link"] = link;
  out["mailed"] = mailed;
  co_return json_answer(201, out);
}

net::Task<Result<Answer>> invite_member(CallPtr call) {
  Body body(call->body);
  store::ProjectInvitationRow row;
  const std::string role = body.text("role", 1, 20);
  CO_TRY(read_invited(body, row));
  CO_TRY_ASSIGN(row.role, member_role(role));
  Result<Answer> answer = co_await make_invitation(call, std::move(row));
  co_return answer;
}

net::Task<Result<Answer>> transfer(CallPtr call) {
  Body body(call->body);
  store::ProjectInvitationRow row;
  row.role = Role::kOwner;
  CO_TRY(read_invited(body, row));
  Result<Answer> answer = co_await make_invitation(call, std::move(row));
  co_return answer;
}

net::Task<Result<Answer>> list_invitations(CallPtr call) {
  auto load = [id = call->project.id, now = call->context().clock.now_ms()](store::Tx& tx) {
    return store::list_project_invitations(tx, id, now);
  };
  CO_TRY_ASSIGN(std::vector<store::ProjectInvitationRow> rows, co_await call->context().database.read(std::move(load)));
  boost::json::array list;
  for (const store::ProjectInvitationRow& row : rows) list.push_back(project_invitation_json(row));
  co_return json_answer(200, items(std::move(list)));
}

net::Task<Result<Answer>> withdraw_member_invitation(CallPtr call) {
  auto remove = [project = call->project.id, id = call->parameters["id"]](store::Tx& tx) {
    return store::delete_project_invitation(tx, project, id);
  };
  CO_TRY_ASSIGN(const bool removed, co_await call->context().database.write(std::move(remove)));
  if (!removed)
    co_return fail(Code::kNotFound, "project " + call->project.name + " has no invitation of that id",
                   "see them: paastech members invitations");
  co_return no_content();
}

net::Task<Result<Answer>> accept(CallPtr call) {
  Body body(call->body);
  const std::string secret = body.text("secret", 1, 100);
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(ProjectView view, co_await accept_invitation(call, secret));
  co_return json_answer(200, api::to_json(view, call->context().address));
}

}  // namespace

void add_project_invitation_routes(std::vector<Route>& routes) {
  routes.push_back({{"GET", "/api/v1/projects/{project}/invitations", Permission::kProjectOwn}, list_invitations});
  routes.push_back({{"POST", "/api/v1/projects/{project}/invitations", Permission::kProjectOwn, "member.invite"},
                    invite_member,
                    BodyKind::kJson});
  routes.push_back(
      {{"DELETE", "/api/v1/projects/{project}/invitations/{id}", Permission::kProjectOwn, "member.withdraw"},
       withdraw_member_invitation});
  routes.push_back({{"POST", "/api/v1/projects/{project}/transfer", Permission::kProjectOwn, "project.transfer"},
                    transfer,
                    BodyKind::kJson});
  routes.push_back(
      {{"POST", "/api/v1/invitations/accept", Permission::kAccountManage, "member.join"}, accept, BodyKind::kJson});
}

}  // namespace paastech::api
