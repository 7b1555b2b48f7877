#pragma once
// Who may do what: the one function that decides, pure, deny by default. Every HTTP route and every call of the git
// role declares a Permission and asks here; nothing else compares owners, roles or scopes.
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

enum class Permission {
  kPublic,         // anybody: the Service's description, health, logging in
  kAccountRead,    // a Client, about itself: its profile, its keys, announcements
  kAccountManage,  // a Client that has logged in itself: password, keys, tokens, sessions, second factor, deletion
  kClientsManage,  // administrators: Clients, plans, announcements, the audit log of all
  kAdministratorsManage,  // an administrator that has logged in itself: who else is one, others' passwords
  kMetricsRead,           // the Service's figures
  kProjectList,           // the list of one's own Projects
  kProjectCreate,
  kProjectRead,       // state, Deployments, logs, figures, members, audit log, names of variables; `git fetch`
  kProjectPush,       // `git push`, which deploys
  kProjectDeploy,     // restart, stop, start, cancel
  kProjectSecrets,    // values of variables
  kProjectConfigure,  // variables
  kProjectLeave,      // a member, about its own membership
  kProjectOwn,        // members, invitations, transfer, deletion
};

std::string_view to_text(Permission permission);  // "project_read"

// Of a Client in a Project. Each may what those before it may.
enum class Role { kNone, kViewer, kMaintainer, kOwner };
std::string_view to_text(Role role);         // "viewer"
Role role_from_text(std::string_view text);  // kNone where it is none

// What a token may at most. Each includes those before it. kSession: the Client itself logged in, not a token for a
// program.
enum class Scope { kRead, kDeploy, kManage, kSession };
std::string_view to_text(Scope scope);
std::optional<Scope> scope_from_text(std::string_view text);

struct Actor {
  std::string client_id = {};  // empty: nobody has logged in
  bool administrator = false;
  bool local = false;              // the request comes from this machine, through no proxy
  bool suspended = false;          // by an administrator: may nothing that needs an account
  bool second_factor_due = false;  // must set up a second factor before anything but its account
  Scope scope = Scope::kSession;
  std::optional<std::set<std::string>> projects = {};  // ids: what a limited token reaches; none: all of the Client's
};

// What the permission is asked for. A Project that does not exist is a Resource too, so that the refusal reads the same
// as for a foreign one (threat 30).
struct Resource {
  enum class Kind { kNone, kProject, kMissingProject };
  Kind kind = Kind::kNone;
  std::string project_id = {};
  Role role = Role::kNone;     // of the actor in the Project
  std::string asked_for = {};  // the name or uuid as the Client wrote it

  static Resource none() { return {}; }
  static Resource project(std::string project_id, Role role, std::string asked_for) {
    return {Kind::kProject, std::move(project_id), role, std::move(asked_for)};
  }
  static Resource missing_project(std::string asked_for) {
    return {Kind::kMissingProject, {}, Role::kNone, std::move(asked_for)};
  }
};

// kUnauthenticated: nobody logged in. kPermissionDenied: suspended, not an administrator, a role or a scope that does
// not suffice. kNotFound: no such Project for this Client or this token, whether it exists or not.
Status allow(const Actor& actor, Permission permission, const Resource& resource);

}  // namespace paastech
