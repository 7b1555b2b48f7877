#pragma once
// projects.config_version: counts the changes of a Project's configuration, for ETag and If-Match. Called inside
// Database::write or read, in the transaction of the change itself.
#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

Result<std::int64_t> config_version(Tx& tx, const std::string& project_id);       // kNotFound
Result<std::int64_t> bump_config_version(Tx& tx, const std::string& project_id);  // the new one; kNotFound

}  // namespace paastech::store
