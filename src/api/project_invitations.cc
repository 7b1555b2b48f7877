#include "api/project_invitations.h"

#include "api/usage.h"
#include "store/usage.h"

namespace paastech::api {
namespace {

std::unexpected<Error> too_many_people(const store::ProjectRow& project) {
  return fail(Code::kFailedPrecondition,
              "project " + project.name + " has " + std::to_string(kMaxPeople) + " members, which is the most",
              "somebody has to leave first: paastech members remove");
}

// Whoever made it must still be one who may.
Status check_inviter(store::Tx& tx, const store::ProjectRow& project, const store::ProjectInvitationRow& invitation,
                     const AccountOptions& options) {
  TRY_ASSIGN(const store::ClientRow inviter, store::find_client(tx, invitation.inviter_id));
  TRY_ASSIGN(const Role role, store::role_in(tx, project, inviter.id));
  const Resource resource = Resource::project(project.id, role, project.name);
  if (allow(actor_of(inviter, options), Permission::kProjectOwn, resource)) return {};
  return fail(Code::kNotFound, "whoever made this invitation may no longer invite to the project",
              "ask the project's owner for a new one");
}

Status check_invited(const store::ProjectInvitationRow& invitation, const store::ClientRow& client) {
  const bool direct = !invitation.client_id.empty();
  if (direct ? invitation.client_id == client.id : invitation.email == client.email && client.confirmed_at > 0)
    return {};
  return fail(Code::kPermissionDenied,
              "this invitation is for another account than yours, " + client.username +
                  (direct ? "" : ": it was sent to another e-mail address"),
              "log in as the one who was invited, or ask for an invitation to your address");
}

// The invitation's part of a transaction; gives the Project.
Result<store::ProjectRow> take_role(store::Tx& tx, const store::ProjectInvitationRow& invitation,
                                    const std::string& client_id, std::int64_t now) {
  TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, invitation.project_id));
  if (project.deleting) return fail(Code::kFailedPrecondition, "project " + project.name + " is being deleted");
  TRY_ASSIGN(const Role role, store::role_in(tx, project, client_id));
  if (role == Role::kOwner)
    return fail(Code::kFailedPrecondition, "project " + project.name + " is yours already",
                "an owner becomes a member by a transfer only: paastech members transfer");
  if (invitation.role == Role::kOwner) {
    TRY(store::admit_transfer(tx, project, client_id));
    TRY(store::set_owner(tx, project, client_id, now));
    return project;
  }
  TRY_ASSIGN(const std::vector<store::PersonRow> people, store::list_people(tx, project.id));
  if (role == Role::kNone && people.size() >= kMaxPeople) return too_many_people(project);
  TRY(store::set_member(tx, {project.id, client_id, invitation.role, now}));
  TRY(store::delete_invitations_of(tx, project.id, client_id));  // this one among them
  return project;
}

}  // namespace

Result<Role> member_role(std::string_view text) {
  const Role role = role_from_text(text);
  if (role == Role::kMaintainer || role == Role::kViewer) return role;
  return fail(Code::kInvalidArgument, "`role` must be maintainer or viewer",
              "another owner is made by a transfer: paastech members transfer");
}

Result<store::ProjectInvitationRow> open_invitation(store::Tx& tx, const std::string& secret, const Call& call) {
  const Context& context = call.services.context;
  TRY_ASSIGN(store::ProjectInvitationRow invitation,
             store::find_project_invitation(tx, token_hash(secret), context.clock.now_ms()));
  TRY_ASSIGN(const store::ClientRow client, store::find_client(tx, call.actor.client_id));
  TRY(check_invited(invitation, client));
  TRY_ASSIGN(const store::ProjectRow project, store::find_project(tx, invitation.project_id));
  TRY(check_inviter(tx, project, invitation, context.accounts));
  return invitation;
}

net::Task<Result<ProjectView>> accept_invitation(CallPtr call, std::string secret) {
  struct Taken {
    store::ProjectInvitationRow invitation;
    ProjectView project;
  };
  auto look = [call, secret](store::Tx& tx) { return open_invitation(tx, secret, *call); };
  CO_TRY_ASSIGN(const store::ProjectInvitationRow asked, co_await call->context().database.read(std::move(look)));
  if (asked.role == Role::kOwner) {
    CO_TRY(co_await admit_repository(call->context(), call->actor.client_id, asked.project_id));
  }
  auto take = [call, secret](store::Tx& tx) -> Result<Taken> {
    TRY_ASSIGN(store::ProjectInvitationRow invitation, open_invitation(tx, secret, *call));
    const std::string& client = call->actor.client_id;
    const std::int64_t now = call->services.context.clock.now_ms();
    TRY_ASSIGN(const store::ProjectRow project, take_role(tx, invitation, client, now));
    TRY_ASSIGN(ProjectView view, store::find_project_summary(tx, project.id, client));
    return Taken{std::move(invitation), std::move(view)};
  };
  CO_TRY_ASSIGN(Taken taken, co_await call->context().database.write(std::move(take)));
  call->project = taken.project.row;
  call->object = to_text(taken.invitation.role);
  co_return std::move(taken.project);
}

}  // namespace paastech::api
