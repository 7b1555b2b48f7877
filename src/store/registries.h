#pragma once
// Table registries: as whom a Project's images are fetched from where. Called inside Database::write or read.
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct RegistryRow {
  std::string host;  // "registry.example:5000"
  std::string username;
  std::string password;  // sealed with registry_context()
};

std::string registry_context(const std::string& project_id, const std::string& host);
Result<std::vector<RegistryRow>> list_registries(Tx& tx, const std::string& project_id);            // by host
Result<RegistryRow> find_registry(Tx& tx, const std::string& project_id, const std::string& host);  // kNotFound
constexpr std::int64_t kMaxRegistries = 100;                                                        // of one Project
// kNotFound: the Project is gone. kFailedPrecondition: it has kMaxRegistries others.
Status set_registry(Tx& tx, const std::string& project_id, const RegistryRow& row);
Result<bool> remove_registry(Tx& tx, const std::string& project_id, const std::string& host);  // whether it was there

}  // namespace paastech::store
