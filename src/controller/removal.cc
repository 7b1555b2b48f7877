// Deleting a Project: routes, Instances, network, images, repository, logs and rows, in that order, so that what is
// left after a crash can be found and finished by its row.
#include "base/failpoint.h"
#include "controller/deployment_controller.h"

namespace paastech::controller {

net::Task<Result<Removal>> DeploymentController::delete_project(std::string project_id) {
  co_await taken_up();
  auto mark = [project_id](store::Tx& tx) { return store::set_deleting(tx, project_id); };
  CO_TRY(co_await ports_.database.write(std::move(mark)));
  cancel_all(project_id, "the project was deleted meanwhile");
  std::shared_ptr<Turn> mine = turn(project_id);
  co_await mine->take();
  TurnHolder holder(mine);
  Result<Removal> removed = co_await remove_project_now(project_id);
  co_return removed;
}

// Held to the Project's turn by its caller. Where the ingress, the Engine or the git role does not answer the row
// stays, and it is tried again soon; what they cannot remove is reported.
net::Task<Result<Removal>> DeploymentController::remove_project_now(std::string project_id) {
  Result<Removal> removed = co_await try_to_remove(project_id);
  if (!removed && removed.error().code == Code::kUnavailable) repair_soon(project_id);
  co_return removed;
}

net::Task<Result<Removal>> DeploymentController::try_to_remove(std::string project_id) {
  // The first comparison after a start sets the routes of all that it read, of this one too where it read the row
  // before the mark: what is erased before it would come back.
  CO_TRY(co_await routes_.wait_complete());
  routes_.erase(project_id);
  CO_TRY(co_await routes_.publish());
  PAASTECH_FAILPOINT("removal.unrouted");
  CO_TRY_ASSIGN(engine::RemoveProjectReply reply, co_await ports_.engine.remove_project(project_id, true));
  PAASTECH_FAILPOINT("removal.engine");
  Removal removal;
  removal.containers = reply.containers();
  removal.networks = reply.networks();
  removal.images = reply.images();
  for (const engine::Leftover& leftover : reply.leftovers())
    removal.leftovers.push_back({leftover.kind(), leftover.id(), leftover.reason()});
  const Status removed = co_await ports_.repositories.remove(project_id);
  if (!removed && removed.error().code == Code::kUnavailable) co_return std::unexpected(removed.error());
  if (!removed) removal.leftovers.push_back({"repository", project_id, removed.error().message});
  PAASTECH_FAILPOINT("removal.repository");
  if (ports_.last_words != nullptr) co_await ports_.last_words->forget(project_id);
  ports_.log.remove(project_id);
  auto drop = [project_id](store::Tx& tx) { return store::delete_project(tx, project_id); };
  CO_TRY(co_await ports_.database.write(std::move(drop)));
  news(project_id)->notify();
  news_.erase(project_id);
  crashes_.erase(project_id);
  watched_.erase(project_id);
  problems_.erase(project_id);
  co_return removal;
}

// Instances whose Project has no row: left by a deletion that was cut off after the row went, or by a restored
// database.
net::Task<void> DeploymentController::remove_orphan(std::string project_id) {
  spdlog::info("removing what project {}, which does not exist, left in the engine", project_id);
  const auto removed = co_await ports_.engine.remove_project(project_id, false);
  if (!removed) spdlog::warn("removing project {}: {}", project_id, removed.error().message);
  if (removed && ports_.last_words != nullptr) co_await ports_.last_words->forget(project_id);
}

}  // namespace paastech::controller
