#include "store/config_version.h"

#include <soci/soci.h>

#include "store/rows.h"

namespace paastech::store {

Result<std::int64_t> config_version(Tx& tx, const std::string& project_id) {
  std::int64_t version = 0;
  tx.sql << "SELECT config_version FROM projects WHERE id = :id", soci::into(version), soci::use(project_id);
  if (!tx.sql.got_data()) return fail(Code::kNotFound, "there is no such project");
  return version;
}

Result<std::int64_t> bump_config_version(Tx& tx, const std::string& project_id) {
  change(tx, "UPDATE projects SET config_version = config_version + 1 WHERE id = :id", soci::use(project_id));
  return config_version(tx, project_id);
}

}  // namespace paastech::store
