#include "domain/policy.h"

#include "base/ids.h"
#include "domain/names.h"

namespace paastech {
namespace {

std::unexpected<Error> not_logged_in() {
  return fail(Code::kUnauthenticated, "you are not logged in, or your login has ended",
              "log in: paastech login --server URL --email ADDRESS");
}

std::unexpected<Error> no_such_project(const std::string& asked_for) {
  // Only a well-formed name is repeated: the text ends up on terminals.
  const bool printable = is_uuid(asked_for) || check_project_name(asked_for).has_value();
  return fail(
      Code::kNotFound,
      printable ? "project " + asked_for + " does not exist, or is not yours" : "there is no project of that name",
      "see your projects: paastech projects list");
}

std::unexpected<Error> administrators_only() {
  return fail(Code::kPermissionDenied, "only an administrator may do this", "ask the administrator of this Service");
}

}  // namespace

std::string_view to_text(Permission permission) {
  switch (permission) {
    case Permission::kPublic: return "public";
    case Permission::kAccount: return "account";
    case Permission::kClientsManage: return "clients_manage";
    case Permission::kMetricsRead: return "metrics_read";
    case Permission::kProjectCreate: return "project_create";
    case Permission::kProjectRead: return "project_read";
    case Permission::kProjectSecrets: return "project_secrets";
    case Permission::kProjectPush: return "project_push";
    case Permission::kProjectChange: return "project_change";
    case Permission::kProjectDelete: return "project_delete";
  }
  return "unknown";
}

Status allow(const Actor& actor, Permission permission, const Resource& resource) {
  const bool logged_in = !actor.client_id.empty();
  switch (permission) {
    case Permission::kPublic: return {};
    case Permission::kAccount:
    case Permission::kProjectCreate:
      if (!logged_in) return not_logged_in();
      return {};
    case Permission::kClientsManage:
      if (!logged_in) return not_logged_in();
      if (!actor.administrator) return administrators_only();
      return {};
    case Permission::kMetricsRead:
      if (actor.local) return {};
      if (!logged_in) return not_logged_in();
      if (!actor.administrator) return administrators_only();
      return {};
    case Permission::kProjectRead:
    case Permission::kProjectSecrets:
    case Permission::kProjectPush:
    case Permission::kProjectChange:
    case Permission::kProjectDelete:
      if (!logged_in) return not_logged_in();
      if (resource.kind != Resource::Kind::kProject || resource.owner_id.empty())
        return no_such_project(resource.asked_for);
      if (resource.owner_id == actor.client_id || actor.administrator) return {};
      return no_such_project(resource.asked_for);
  }
  return fail(Code::kPermissionDenied, "this is not allowed");
}

}  // namespace paastech
