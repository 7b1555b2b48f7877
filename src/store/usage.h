#pragma once
// What Clients have of what their plans limit, and whether they may have more. Called inside Database::write or read;
// writes run one by one, so that what was admitted stays within the plan until it commits.
#include <map>
#include <string>
#include <tuple>

#include "base/result.h"
#include "domain/process.h"
#include "domain/quota.h"
#include "store/database.h"
#include "store/projects.h"

namespace paastech::store {

// Of the Projects that it owns: of each the larger of its live Deployment, unless it is stopped, and of those on their
// way. disk_bytes stays 0: only the git role knows them. month: month_of().
Result<Amounts> usage_of(Tx& tx, const std::string& client_id, const std::string& month);

// What one Instance counts for, by its Project, its Deployment (as the Engine names both) and its Process; of all that
// is live or on its way, so that the cost grows with the number of Projects: for administrators.
using SizeKey = std::tuple<std::string, std::int64_t, std::string>;
using InstanceSizes = std::map<SizeKey, Amounts>;
Result<InstanceSizes> instance_sizes(Tx& tx);

// kPermissionDenied, as check_quota() says it; kNotFound where the Client is gone.
Status admit_project(Tx& tx, const std::string& client_id);
// Whether the Project, and what of it runs, may become that Client's. Its repository: admit_repository() of
// api/usage.h.
Status admit_transfer(Tx& tx, const ProjectRow& project, const std::string& client_id);
// Whether the Project may run this list, with its counts and sizes (domain/scale.h), in the place of what of it runs
// already or is on its way. To be asked in the transaction that stores the list with the Deployment.
Status admit_deployment(Tx& tx, const ProjectRow& project, const ProcessList& wanted);
// Where the list is not known yet, or did not change but for what table scales says now: that of the live Deployment,
// or else one `web`, scaled.
Status admit_deployment(Tx& tx, const ProjectRow& project);
Status admit_build(Tx& tx, const std::string& client_id, const std::string& month);

}  // namespace paastech::store
