#pragma once
// What Clients have of what their plans limit, and whether they may have more. Called inside Database::write or read;
// writes run one by one, so that what was admitted stays within the plan until it commits.
#include <string>

#include "base/result.h"
#include "domain/quota.h"
#include "store/database.h"
#include "store/projects.h"

namespace paastech::store {

// Of the Projects that it owns. disk_bytes stays 0: only the git role knows them. month: month_of().
Result<Amounts> usage_of(Tx& tx, const std::string& client_id, const std::string& month);

// kPermissionDenied, as check_quota() says it; kNotFound where the Client is gone.
Status admit_project(Tx& tx, const std::string& client_id);
// Whether the Project, and what of it runs, may become that Client's.
Status admit_transfer(Tx& tx, const ProjectRow& project, const std::string& client_id);
// Of what runs already, or is on its way, a further Deployment takes nothing more.
Status admit_deployment(Tx& tx, const ProjectRow& project);
Status admit_build(Tx& tx, const std::string& client_id, const std::string& month);

}  // namespace paastech::store
