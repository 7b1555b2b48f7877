#pragma once
// Invitations to Projects, transfers among them: a role that another Client takes by a link. The JSON routes and the
// page share this. Thread: the control-plane loop; what takes a store::Tx& runs on the database's.
#include "api/route.h"
#include "api/views.h"
#include "store/members.h"
#include "store/project_invitations.h"

namespace paastech::api {

constexpr std::size_t kMaxPeople = 100;  // of a Project, open invitations among them: its lists are short ones

Result<Role> member_role(std::string_view text);  // maintainer or viewer; else kInvalidArgument

// The invitation of that secret, for the Client that asks. kNotFound: there is none, or who made it may no longer
// invite. kPermissionDenied: it is another one's.
Result<store::ProjectInvitationRow> open_invitation(store::Tx& tx, const std::string& secret, const Call& call);
// Gives the role, once; the Call's Project is set.
net::Task<Result<ProjectView>> accept_invitation(CallPtr call, std::string secret);

}  // namespace paastech::api
