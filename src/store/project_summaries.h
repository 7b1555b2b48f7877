#pragma once
// What lists and views show of Projects: two queries for a page, however many Projects are on it, and none whose cost
// grows with the Projects of others (project_summaries_test.cc holds the plan to that). Called inside Database::write
// or read.
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/policy.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::store {

struct DeploymentSummary {
  DeploymentRow row;  // without processes and environment, which can be large
  std::string actor;  // the username, empty where the Client is gone
};

struct ProjectSummary {
  ProjectRow row;
  std::string owner;                              // the username
  Role role = Role::kNone;                        // of whoever asks
  std::optional<DeploymentSummary> current = {};  // the live one
  std::optional<DeploymentSummary> latest = {};
  bool owner_suspended = false;  // nothing of it runs
};

struct ProjectPage {
  std::string client_id;      // who asks: its own Projects, and those it is a member of
  std::string token_id = {};  // of a limited token: only those that it reaches
  bool everybody = false;     // all Projects there are
  std::string after = {};     // a name: only those behind it
  int limit = 50;
};

Result<std::vector<ProjectSummary>> list_project_summaries(Tx& tx, const ProjectPage& page);  // by name
// kNotFound. client_id: whose role is shown.
Result<ProjectSummary> find_project_summary(Tx& tx, const std::string& project_id, const std::string& client_id);

}  // namespace paastech::store
