#pragma once
// Those rows of table invitations that are to a Project (store/invitations.h has those to the Service): a role for
// whoever has an address, or for one Client. Found by the hash of the link's secret. Called inside Database::write or
// read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/policy.h"
#include "store/database.h"

namespace paastech::store {

struct ProjectInvitationRow {
  std::string id = {};
  std::string hash = {};       // hex SHA-256 of the secret
  std::string email = {};      // lower case; empty: to client_id
  std::string client_id = {};  // empty: to whoever has the address
  std::string project_id = {};
  Role role = Role::kViewer;  // kOwner: a transfer
  std::string inviter_id = {};
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
  // Of the tables around, only read:
  std::string project = {};   // its name
  std::string inviter = {};   // user names
  std::string username = {};  // of client_id
};

// An older one of the same Project to the same person goes. kNotFound: the inviter is gone.
Status insert_project_invitation(Tx& tx, const ProjectInvitationRow& row);
// Those that are not over, oldest first.
Result<std::vector<ProjectInvitationRow>> list_project_invitations(Tx& tx, const std::string& project_id,
                                                                   std::int64_t now);
// kNotFound alike where it never was, was used, was withdrawn or is over.
Result<ProjectInvitationRow> find_project_invitation(Tx& tx, const std::string& hash, std::int64_t now);
Result<bool> delete_project_invitation(Tx& tx, const std::string& project_id, const std::string& id);
// All that the Client could take, by its id or its address: whoever is a member holds no other role in reserve.
Status delete_invitations_of(Tx& tx, const std::string& project_id, const std::string& client_id);

}  // namespace paastech::store
