// The page of the link in an invitation to a Project: what one joins, and a button. Looking uses nothing up, for mail
// scanners open links.
#include <fmt/format.h>

#include "api/json_body.h"
#include "api/pages/form_page.h"
#include "api/pages/page.h"
#include "api/project_invitations.h"

namespace paastech::api {
namespace {

constexpr std::string_view kPath = "/project-invitation";

net::Task<Result<Answer>> show_invitation_form(CallPtr call) {
  CO_TRY_ASSIGN(const std::string secret, link_secret(*call));
  auto load = [call, secret](store::Tx& tx) { return open_invitation(tx, secret, *call); };
  CO_TRY_ASSIGN(const store::ProjectInvitationRow row, co_await call->context().database.read(std::move(load)));
  const std::string what =
      row.role == Role::kOwner
          ? fmt::format(
                "<p><strong>{}</strong> wants to give you the project <strong>{}</strong>. You will own it and "
                "be the one who decides about it; {} stays as a maintainer.</p>",
                escaped(row.inviter), escaped(row.project), escaped(row.inviter))
          : fmt::format("<p><strong>{}</strong> invites you to the project <strong>{}</strong> as {}.</p>",
                        escaped(row.inviter), escaped(row.project), to_text(row.role));
  const std::string who = fmt::format("<p>You are logged in as {}. To refuse, close this page.</p>",
                                      escaped(call->identity->client.username));
  co_return page(200, row.role == Role::kOwner ? "Take over a project" : "Join a project",
                 what + who + form(kPath, hidden("secret", secret), row.role == Role::kOwner ? "Take over" : "Join"));
}

net::Task<Result<Answer>> join(CallPtr call) {
  Body body(call->body);
  const std::string secret = body.text("secret", 1, 100);
  CO_TRY(body.finish());
  CO_TRY_ASSIGN(const ProjectView view, co_await accept_invitation(call, secret));
  const std::string name = escaped(view.row.name);
  co_return page(200, "Welcome to " + view.row.name,
                 fmt::format("<p>You are {} of the project <strong>{}</strong> now.</p>"
                             "<p>Get its code: <code>git clone {}</code></p>",
                             to_text(view.role), name, escaped(git_url(view.row.name, call->context().address))));
}

}  // namespace

void add_project_invitation_pages(std::vector<Route>& routes) {
  routes.push_back(
      {{"GET", kPath, Permission::kAccountManage, "", true}, show_invitation_form, BodyKind::kNone, {"secret"}});
  routes.push_back({{"POST", kPath, Permission::kAccountManage, "member.join", true}, join, BodyKind::kForm});
}

}  // namespace paastech::api
