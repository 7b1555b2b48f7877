#pragma once
// What happens to a row of table clients in the life of an account; finding rows is in clients.h. Called inside
// Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/clients.h"
#include "store/database.h"

namespace paastech::store {

Status set_password_hash(Tx& tx, const std::string& id, const std::string& hash);  // kNotFound
Status set_confirmed(Tx& tx, const std::string& id, std::int64_t at);       // nothing where it is confirmed already
Status set_email(Tx& tx, const std::string& id, const std::string& email);  // kAlreadyExists, kNotFound
// Of the accounts made before `before` whose address was never confirmed at most so many; gives how many.
Result<std::int64_t> delete_unconfirmed(Tx& tx, std::int64_t before, int most);
// Administrators but this one who can act: neither suspended nor being deleted.
Result<std::int64_t> other_administrators(Tx& tx, const std::string& id);

// Deletion goes in two steps, for a Client owns Projects whose removal takes time and may be cut off. begin: the
// account is shut (suspended, without address, password, tokens, keys, links and invitations) and marked. kNotFound
Status begin_deletion(Tx& tx, const std::string& id, std::int64_t now);
Result<std::vector<std::string>> clients_in_deletion(Tx& tx);  // ids
// false: it still owns a Project. Fine where it is gone.
Result<bool> delete_client(Tx& tx, const std::string& id);

// What goes with an account.
struct Belongings {
  std::vector<std::string> projects = {};  // names of those it owns
  std::int64_t memberships = 0;            // in Projects of others
  std::int64_t tokens = 0;                 // for programs
  std::int64_t sessions = 0;
  std::int64_t keys = 0;
};
Result<Belongings> belongings_of(Tx& tx, const std::string& id);

}  // namespace paastech::store
