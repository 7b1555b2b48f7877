#pragma once
// Whether a key belongs to this database: the table `settings` holds a value sealed with it. It is sealed anew last
// when the key is rotated, so that it also says how far a rotation came. Thread: any but a loop; the calls block.
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "store/database.h"

namespace paastech::store {

// Opens the check value, or makes it where there is none and the key opens what is there. kFailedPrecondition, without
// a hint: it is another key.
Status check_key(Database& database, const SecretBox& secrets);
// The id of the key that the check value is sealed with; empty: there is none.
Result<std::string> checked_key(Database& database);
Status reseal_key_check(Database& database, const SecretBox& secrets);
// Whether the database was ever written with a key.
Result<bool> knows_a_key(Database& database);

}  // namespace paastech::store
