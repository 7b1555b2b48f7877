#pragma once
// Table scales: how many Instances of a Process a Client wants, and how large. Called inside Database::write or read.
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/scale.h"
#include "store/database.h"

namespace paastech::store {

Result<std::vector<Scale>> list_scales(Tx& tx, const std::string& project_id);  // by process
// kInvalidArgument as check_scale() and check_process_name() say it; kNotFound where the Project is gone. Of a Project
// at most kMostProcesses are stored: of a further one the scales of processes that the live Deployment does not have
// are forgotten, and without a live Deployment, whose names would tell, it is refused with kFailedPrecondition. Whether
// the plan allows a scale: store/usage.h.
Status set_scale(Tx& tx, const std::string& project_id, const Scale& scale);

}  // namespace paastech::store
