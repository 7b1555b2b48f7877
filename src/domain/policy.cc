#include "domain/policy.h"

#include "base/ids.h"
#include "domain/names.h"

namespace paastech {
namespace {

enum class Subject { kAnybody, kClient, kAdministrator, kMember };

// What each permission asks for; the whole of the rules.
struct Rule {
  Permission permission;
  std::string_view name;
  Subject subject;
  Scope scope = Scope::kRead;
  Role role = Role::kNone;    // at least, of kMember
  bool all_projects = false;  // not for a token that is limited to some
};
constexpr Rule kRules[] = {
    {Permission::kPublic, "public", Subject::kAnybody},
    {Permission::kAccountRead, "account_read", Subject::kClient, Scope::kRead},
    {Permission::kAccountManage, "account_manage", Subject::kClient, Scope::kSession},
    {Permission::kClientsManage, "clients_manage", Subject::kAdministrator, Scope::kManage, Role::kNone, true},
    {Permission::kAdministratorsManage, "administrators_manage", Subject::kAdministrator, Scope::kSession},
    {Permission::kMetricsRead, "metrics_read", Subject::kAdministrator, Scope::kRead, Role::kNone, true},
    {Permission::kProjectList, "project_list", Subject::kClient, Scope::kRead},
    {Permission::kProjectCreate, "project_create", Subject::kClient, Scope::kManage, Role::kNone, true},
    {Permission::kProjectRead, "project_read", Subject::kMember, Scope::kRead, Role::kViewer},
    {Permission::kProjectPush, "project_push", Subject::kMember, Scope::kDeploy, Role::kMaintainer},
    {Permission::kProjectDeploy, "project_deploy", Subject::kMember, Scope::kDeploy, Role::kMaintainer},
    {Permission::kProjectSecrets, "project_secrets", Subject::kMember, Scope::kManage, Role::kMaintainer},
    {Permission::kProjectConfigure, "project_configure", Subject::kMember, Scope::kManage, Role::kMaintainer},
    {Permission::kProjectLeave, "project_leave", Subject::kMember, Scope::kManage, Role::kViewer},
    {Permission::kProjectOwn, "project_own", Subject::kMember, Scope::kManage, Role::kOwner},
};

const Rule* rule_of(Permission permission) {
  for (const Rule& rule : kRules)
    if (rule.permission == permission) return &rule;
  return nullptr;
}

constexpr std::string_view kRoles[] = {"none", "viewer", "maintainer", "owner"};
constexpr std::string_view kScopes[] = {"read", "deploy", "manage", "session"};

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

std::unexpected<Error> scope_too_small(const Actor& actor, const Rule& rule) {
  if (rule.scope == Scope::kSession)
    return fail(Code::kPermissionDenied, "a token may not do this, only you yourself, logged in",
                "log in: paastech login");
  return fail(Code::kPermissionDenied,
              "this token's scope is `" + std::string(to_text(actor.scope)) + "`, but this needs `" +
                  std::string(to_text(rule.scope)) + "`",
              "make a token of that scope: paastech tokens create");
}

Status allow_member(const Actor& actor, const Rule& rule, const Resource& resource) {
  const bool reached = !actor.projects || actor.projects->contains(resource.project_id);
  const bool known = resource.kind == Resource::Kind::kProject && reached;
  const Role role = actor.administrator ? Role::kOwner : resource.role;
  if (!known || role == Role::kNone) return no_such_project(resource.asked_for);
  if (actor.scope < rule.scope) return scope_too_small(actor, rule);
  if (role < rule.role)
    return fail(Code::kPermissionDenied,
                "you are a " + std::string(to_text(role)) + " of this project, but this needs its " +
                    std::string(to_text(rule.role)),
                "ask the project's owner");
  return {};
}

}  // namespace

std::string_view to_text(Permission permission) {
  const Rule* rule = rule_of(permission);
  return rule ? rule->name : "unknown";
}

std::string_view to_text(Role role) { return kRoles[static_cast<int>(role)]; }

Role role_from_text(std::string_view text) {
  for (const Role role : {Role::kViewer, Role::kMaintainer, Role::kOwner})
    if (to_text(role) == text) return role;
  return Role::kNone;
}

std::string_view to_text(Scope scope) { return kScopes[static_cast<int>(scope)]; }

std::optional<Scope> scope_from_text(std::string_view text) {
  for (const Scope scope : {Scope::kRead, Scope::kDeploy, Scope::kManage, Scope::kSession})
    if (to_text(scope) == text) return scope;
  return std::nullopt;
}

Status allow(const Actor& actor, Permission permission, const Resource& resource) {
  const Rule* rule = rule_of(permission);
  if (!rule) return fail(Code::kPermissionDenied, "this is not allowed");
  if (rule->subject == Subject::kAnybody) return {};
  if (permission == Permission::kMetricsRead && actor.local) return {};
  if (actor.client_id.empty()) return not_logged_in();
  if (actor.suspended)
    return fail(Code::kPermissionDenied, "your account is suspended", "ask the administrator of this Service");
  const bool own_account = permission == Permission::kAccountRead || permission == Permission::kAccountManage;
  if (actor.second_factor_due && !own_account)
    return fail(Code::kPermissionDenied, "this Service asks administrators for a second factor, and you have none yet",
                "set it up: paastech 2fa enable");
  if (rule->subject == Subject::kMember) return allow_member(actor, *rule, resource);
  if (rule->subject == Subject::kAdministrator && !actor.administrator)
    return fail(Code::kPermissionDenied, "only an administrator may do this", "ask the administrator of this Service");
  if (actor.scope < rule->scope) return scope_too_small(actor, *rule);
  if (rule->all_projects && actor.projects)
    return fail(Code::kPermissionDenied, "this token is for some projects only",
                "make one for all projects: paastech tokens create");
  return {};
}

}  // namespace paastech
