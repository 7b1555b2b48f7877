#pragma once
// Tables projects and environment. Called inside Database::write or read.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct ProjectRow {
  std::string id;
  std::string name;
  std::string owner_id;
  bool stopped = false;
  bool deleting = false;
  std::int64_t next_number = 1;
  std::int64_t created_at = 0;
};

Status insert_project(Tx& tx, const ProjectRow& row);                    // kAlreadyExists where the name is taken
Result<ProjectRow> find_project(Tx& tx, const std::string& name_or_id);  // kNotFound
Result<std::vector<ProjectRow>> list_projects(Tx& tx, const std::string& owner_id);  // empty: all, by name
Status set_stopped(Tx& tx, const std::string& id, bool stopped);                     // kNotFound
Status set_deleting(Tx& tx, const std::string& id);
Status delete_project(Tx& tx, const std::string& id);  // with its rows elsewhere; fine where it is gone already

struct EnvironmentRow {
  std::string name;
  std::string value;  // sealed with environment_context()
  std::int64_t updated_at = 0;
};
std::string environment_context(const std::string& project_id, const std::string& name);
Result<std::vector<EnvironmentRow>> list_environment(Tx& tx, const std::string& project_id);
Status set_environment(Tx& tx, const std::string& project_id, const EnvironmentRow& row);
Result<bool> unset_environment(Tx& tx, const std::string& project_id, const std::string& name);  // whether it was there

}  // namespace paastech::store
