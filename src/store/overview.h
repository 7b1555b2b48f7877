#pragma once
// How much there is of everything, for administrators. The cost grows with the number of Clients and Projects. Called
// inside Database::read.
#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct Overview {
  std::map<std::string, std::int64_t> clients = {};   // by state, as state_of(ManagedClient) names it
  std::map<std::string, std::int64_t> projects = {};  // by state, as api/views.h, project_state(), names it
  std::int64_t builds_running = 0;                    // or waiting for a place to build
  std::int64_t builds_queued = 0;                     // Deployments that have not begun
  std::int64_t mails_waiting = 0;
};
Result<Overview> read_overview(Tx& tx);
Result<std::int64_t> count_projects(Tx& tx);
// By state, those that are not history only: their number is bounded by that of Projects.
Result<std::map<std::string, std::int64_t>> count_deployments(Tx& tx);
// Whether the database answers; the cost does not grow with anything.
Status check_answers(Tx& tx);

}  // namespace paastech::store
