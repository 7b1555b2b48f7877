#pragma once
// How the tables' rows look in JSON; api/openapi.yaml describes them. The load_* functions run inside a transaction.
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "domain/route.h"
#include "store/clients.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::api {

struct DeploymentView {
  store::DeploymentRow row;
  std::string actor;  // the username, empty where the Client is gone
};

struct ProjectView {
  store::ProjectRow row;
  std::string owner;
  std::optional<DeploymentView> current = {};  // the live one
  std::optional<DeploymentView> latest = {};
};

Result<DeploymentView> load_deployment(store::Tx& tx, store::DeploymentRow row);
Result<ProjectView> load_project(store::Tx& tx, store::ProjectRow row);
std::string_view project_state(const ProjectView& project);  // empty | live | stopped | deploying | failed

boost::json::object to_json(const store::ClientRow& row);
boost::json::object to_json(const store::KeyRow& row);
boost::json::object to_json(const DeploymentView& deployment, const store::ProjectRow& project,
                            const PublicAddress& address);
boost::json::object to_json(const ProjectView& project, const PublicAddress& address);
boost::json::object items(boost::json::array list);  // {"items":[…]}

}  // namespace paastech::api
