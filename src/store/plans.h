#pragma once
// Table plans: what Clients may have, domain/quota.h. Called inside Database::write or read.
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/quota.h"
#include "store/database.h"

namespace paastech::store {

Result<Plan> find_plan(Tx& tx, const std::string& name);                            // kNotFound
Result<Plan> plan_of(Tx& tx, const std::string& client_id);                         // kNotFound
Result<std::vector<Plan>> list_plans(Tx& tx, const std::string& after, int limit);  // by name, behind `after`
Status set_plan(Tx& tx, const Plan& plan);                                          // makes or changes it
// kNotFound; kFailedPrecondition: Clients have it, or the Service itself gives it.
Status delete_plan(Tx& tx, const std::string& name);

}  // namespace paastech::store
