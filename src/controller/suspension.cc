// What a Client's suspension does to the Projects it owns. The row of the Client decides what should run
// (reconcile.cc), so that it holds over restarts, and what the Client had stopped itself stays stopped afterwards.
#include "controller/deployment_controller.h"
#include "store/clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

// A rollout that begins after this looked reads the Client's row itself (run_rollout).
net::Task<Status> DeploymentController::follow_suspension(std::string client_id) {
  co_await taken_up();
  using Found = std::pair<bool, std::vector<store::ProjectRow>>;
  auto load = [client_id](store::Tx& tx) -> Result<Found> {
    TRY_ASSIGN(const store::ClientRow client, store::find_client(tx, client_id));
    TRY_ASSIGN(std::vector<store::ProjectRow> projects, store::list_projects(tx, client_id));
    return Found{client.suspended_at != 0, std::move(projects)};
  };
  CO_TRY_ASSIGN(const Found found, co_await ports_.database.read(std::move(load)));
  for (const store::ProjectRow& project : found.second) {
    if (found.first) cancel_all(project.id, std::string(kOwnerSuspended));
    spawn_repair(project.id);
  }
  co_return Status{};
}

net::Task<Result<std::int64_t>> DeploymentController::repository_bytes(std::vector<std::string> project_ids) {
  if (project_ids.empty()) co_return 0;
  Result<std::int64_t> bytes = co_await ports_.repositories.bytes(std::move(project_ids));
  co_return bytes;
}

}  // namespace paastech::controller
