#pragma once
// Table members: who else may work on a Project. The owner is no row here but projects.owner_id. Called inside
// Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/policy.h"
#include "store/projects.h"

namespace paastech::store {

struct MemberRow {
  std::string project_id;
  std::string client_id;
  Role role = Role::kViewer;
  std::int64_t created_at = 0;
};

// A person in a Project, the owner too.
struct PersonRow {
  std::string client_id;
  std::string username;
  Role role = Role::kViewer;
  std::int64_t since = 0;
};

// Of a Client in a Project: kOwner, a member's, or kNone.
Result<Role> role_in(Tx& tx, const ProjectRow& project, const std::string& client_id);
Result<std::vector<PersonRow>> list_people(Tx& tx, const std::string& project_id);  // the owner, then the oldest first
// Makes a member or gives it another role. kNotFound: no such Project or Client.
Status set_member(Tx& tx, const MemberRow& row);
Result<bool> delete_member(Tx& tx, const std::string& project_id, const std::string& client_id);
// The former owner becomes a maintainer, and whatever open invitations it made go. kNotFound: no such Project or
// Client.
Status set_owner(Tx& tx, const ProjectRow& project, const std::string& client_id, std::int64_t now);

}  // namespace paastech::store
