// What the API asks of a Project as a whole: run it otherwise, stop it, start it, make a new one.
#include "controller/deployment_controller.h"
#include "store/usage.h"

namespace paastech::controller {

// The mark is set once nothing is on its way any more, for what goes live takes it off.
net::Task<Status> DeploymentController::stop_application(std::string project_id) {
  co_await taken_up();
  cancel_all(project_id, "the Application was stopped meanwhile");
  std::shared_ptr<Turn> mine = turn(project_id);
  co_await mine->take();
  TurnHolder holder(mine);
  auto mark = [project_id](store::Tx& tx) { return store::set_stopped(tx, project_id, true); };
  CO_TRY(co_await ports_.database.write(std::move(mark)));
  Status stopped = co_await reconcile_project(project_id);
  co_return stopped;
}

// A Deployment of its own, so that what was configured while it was stopped is in force and a failure is explained.
net::Task<Result<store::DeploymentRow>> DeploymentController::start_application(std::string project_id,
                                                                                std::string actor_id) {
  Result<store::DeploymentRow> queued = co_await redeploy(project_id, actor_id, DeploymentCause::kRestart);
  co_return queued;
}

net::Task<void> DeploymentController::publish_quietly() {
  Status published = co_await routes_.publish();
  if (!published) spdlog::warn("publishing routes: {}", published.error().message);
}

// The repository first: what a crash in between leaves is an empty folder, not a Project that takes no push.
net::Task<Status> DeploymentController::create_project(store::ProjectRow project) {
  auto ask = [owner = project.owner_id](store::Tx& tx) { return store::admit_project(tx, owner); };
  CO_TRY(co_await ports_.database.read(std::move(ask)));
  const Status created = co_await ports_.repositories.create(project.id);
  if (!created) {
    // It may have been made all the same, where only the answer was lost.
    if (created.error().code == Code::kUnavailable) {
      [[maybe_unused]] const Status undone = co_await ports_.repositories.remove(project.id);
    }
    co_return created;
  }
  auto insert = [project](store::Tx& tx) -> Status {
    TRY(store::admit_project(tx, project.owner_id));  // once more: another one may have come in between
    return store::insert_project(tx, project);
  };
  Status inserted = co_await ports_.database.write(std::move(insert));
  if (!inserted) {
    const Status undone = co_await ports_.repositories.remove(project.id);
    if (!undone) spdlog::warn("taking back the repository {}: {}", project.id, undone.error().message);
    co_return inserted;
  }
  // Its hosts answer 503 from now on instead of 404; nobody waits for that.
  routes_.set(project.id, ProjectRoutes{project.name, {}});
  tasks_.spawn("publish", publish_quietly());
  co_return Status{};
}

Condition DeploymentController::condition(const std::string& project_id) const {
  Condition out;
  const auto problem = problems_.find(project_id);
  if (problem != problems_.end()) out = problem->second;
  const auto book = crashes_.find(project_id);
  if (book == crashes_.end()) return out;
  const std::int64_t now = ports_.clock.steady_ms();
  for (const auto& [name, crash] : book->second.all())
    out.restarts[name] = {crash.count, crash.reason,
                          crash.well_ms > 0 ? 0 : std::max<std::int64_t>(crash.due_ms - now, 0)};
  return out;
}

}  // namespace paastech::controller
