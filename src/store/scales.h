#pragma once
// Table scales: how many Instances of a Process a Client wants, and how large. Called inside Database::write or read.
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/scale.h"
#include "store/database.h"

namespace paastech::store {

Result<std::vector<Scale>> list_scales(Tx& tx, const std::string& project_id);  // by process
// kInvalidArgument as check_scale() and check_process_name() say it; kNotFound where the Project is gone. Whether the
// plan allows it: store/usage.h.
Status set_scale(Tx& tx, const std::string& project_id, const Scale& scale);

}  // namespace paastech::store
