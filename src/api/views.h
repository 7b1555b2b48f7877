#pragma once
// How the tables' rows look in JSON; api/openapi.yaml describes them. The load_* functions run inside a transaction.
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "domain/route.h"
#include "store/clients.h"
#include "store/project_summaries.h"

namespace paastech::api {

using DeploymentView = store::DeploymentSummary;
using ProjectView = store::ProjectSummary;

Result<DeploymentView> load_deployment(store::Tx& tx, store::DeploymentRow row);
// empty | live | stopped | suspended | deploying | failed; store/overview.cc counts by the same rule.
std::string_view project_state(const ProjectView& project);

boost::json::object to_json(const store::ClientRow& row);
boost::json::object to_json(const store::KeyRow& row);
// memory: where the objects are made, for those of a long list.
boost::json::object to_json(const DeploymentView& deployment, const store::ProjectRow& project,
                            const PublicAddress& address, boost::json::storage_ptr memory = {});
boost::json::object to_json(const ProjectView& project, const PublicAddress& address,
                            boost::json::storage_ptr memory = {});
boost::json::object items(boost::json::array list);  // {"items":[…]}, in the list's memory

}  // namespace paastech::api
