#pragma once
// Table recovery_codes: what a Client logs in with whose authenticator is lost; each works once. Called inside
// Database::write or read.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

// In place of those there were; an empty list removes them. hashes: hex SHA-256. kNotFound: no such Client.
Status set_recovery_codes(Tx& tx, const std::string& client_id, const std::vector<std::string>& hashes);
Result<bool> use_recovery_code(Tx& tx, const std::string& client_id, const std::string& hash);  // false: there is none
Result<std::int64_t> count_recovery_codes(Tx& tx, const std::string& client_id);

}  // namespace paastech::store
