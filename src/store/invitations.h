#pragma once
// Those rows of table invitations that are to the Service (store/project_invitations.h has those to a Project): whoever
// has the link may make an account with the address. Called inside Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct InvitationRow {
  std::string id = {};
  std::string hash = {};   // hex SHA-256 of the link's secret
  std::string email = {};  // lower case
  std::string inviter_id = {};
  std::string inviter = {};  // the user name; only read
  std::int64_t created_at = 0;
  std::int64_t expires_at = 0;
};
// An older one to the same address goes. kNotFound: the inviter is gone.
Status insert_invitation(Tx& tx, const InvitationRow& row);
// kNotFound alike where it never was, was used, was withdrawn or is over. find leaves it, take uses it up.
Result<InvitationRow> find_invitation(Tx& tx, const std::string& hash, std::int64_t now);
Result<InvitationRow> take_invitation(Tx& tx, const std::string& hash, std::int64_t now);
// Those that are not over, by address from the one after `after`.
Result<std::vector<InvitationRow>> list_invitations(Tx& tx, std::int64_t now, const std::string& after, int limit);
Result<bool> delete_invitation(Tx& tx, const std::string& id);
Status delete_expired_invitations(Tx& tx, std::int64_t now);  // to Projects too

}  // namespace paastech::store
