#pragma once
// Who may do what: the one function that decides, pure, deny by default. Every HTTP route and every call of the git
// role declares a Permission and asks here; nothing else compares owners.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

enum class Permission {
  kPublic,         // anybody: the Service's description, health, logging in
  kAccount,        // a Client, about itself: its profile, keys, sessions, its list of Projects
  kClientsManage,  // make other Clients, see every Project
  kMetricsRead,    // the Service's figures
  kProjectCreate,
  kProjectRead,     // state, Deployments, logs, figures, names of variables; `git fetch`
  kProjectSecrets,  // values of variables
  kProjectPush,     // `git push`, which deploys
  kProjectChange,   // variables, restart, stop, start, cancel
  kProjectDelete,
};

std::string_view to_text(Permission permission);  // "project_read"

struct Actor {
  std::string client_id = {};  // empty: nobody has logged in
  bool administrator = false;
  bool local = false;  // the request comes from this machine, through no proxy
};

// What the permission is asked for. A Project that does not exist is a Resource too, so that the refusal reads the same
// as for a foreign one (threat 30).
struct Resource {
  enum class Kind { kNone, kProject, kMissingProject };
  Kind kind = Kind::kNone;
  std::string owner_id = {};
  std::string asked_for = {};  // the name or uuid as the Client wrote it

  static Resource none() { return {}; }
  static Resource project(std::string owner_id, std::string asked_for) {
    return {Kind::kProject, std::move(owner_id), std::move(asked_for)};
  }
  static Resource missing_project(std::string asked_for) { return {Kind::kMissingProject, {}, std::move(asked_for)}; }
};

// kUnauthenticated: nobody logged in. kPermissionDenied: only administrators may. kNotFound: no such Project for this
// Client, whether it exists or not.
Status allow(const Actor& actor, Permission permission, const Resource& resource);

}  // namespace paastech
