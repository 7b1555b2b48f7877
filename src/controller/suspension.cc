// What a Client's suspension does to the Projects it owns. The row of the Client decides what should run
// (reconcile.cc), so that it holds over restarts, and what the Client had stopped itself stays stopped afterwards.
// It ends what runs at once: neither `drain` nor `stop_grace`, which are the Client's to choose, count any more.
#include "controller/deployment_controller.h"
#include "store/clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {
// For what a program does at its stop signal, and for the answers that visitors wait for. Then it is killed, and its
// connections end with it.
constexpr int kGraceSeconds = 5;
}  // namespace

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
    if (!found.first) {
      spawn_repair(project.id);
      continue;
    }
    cancel_all(project.id, std::string(kOwnerSuspended));
    if (const auto repair = repairing_.find(project.id); repair != repairing_.end()) repair->second->ask();
    tasks_.spawn("suspend", suspend(project));
  }
  co_return Status{};
}

// Whoever has the Project's turn may be waiting for visitors, or for a program that takes its time to end, for as long
// as the Client says; that is over once nothing runs any more.
net::Task<void> DeploymentController::suspend(store::ProjectRow project) {
  const std::string project_id = project.id;
  const Status stopped = co_await stop_at_once(project);
  if (!stopped) spdlog::warn("project {}: {}", project.name, stopped.error().message);
  spawn_repair(project_id);  // removes what was stopped, or stops it once the Engine answers
}

// All Instances of the Project that run, also those of Deployments on their way and of those that were being drained.
// First its hosts answer 503; an ingress that is away keeps nothing running.
net::Task<Status> DeploymentController::stop_at_once(store::ProjectRow project) {
  const std::string project_id = project.id;
  if (routes_.has(project_id)) {  // else it was deleted meanwhile, or nothing was compared yet
    ProjectRoutes none{project.name, {}};
    const Status published = co_await set_routes(project_id, std::move(none));
    if (!published) spdlog::warn("project {}: {}", project.name, published.error().message);
  }
  CO_TRY_ASSIGN(const std::vector<engine::Instance> listed, co_await ports_.engine.list(project_id));
  if (listed.empty()) co_return Status{};
  std::set<std::string> addresses;
  for (const engine::Instance& instance : listed) {
    ending_.insert(instance.id());
    addresses.insert(instance.address());
  }
  engine::RemoveGroupRequest everything;
  everything.set_project(project_id);
  everything.set_only_stop(true);
  everything.set_grace_seconds(kGraceSeconds);
  Status stopped = co_await ports_.engine.remove_group(std::move(everything));
  routes_.let_go(addresses);
  co_return stopped;
}

net::Task<Result<std::int64_t>> DeploymentController::repository_bytes(std::vector<std::string> project_ids) {
  if (project_ids.empty()) co_return 0;
  Result<std::int64_t> bytes = co_await ports_.repositories.bytes(std::move(project_ids));
  co_return bytes;
}

}  // namespace paastech::controller
