// Deleting a Project: routes, Instances, network, images, repository, logs and rows, in that order, so that what is
// left after a crash can be found and finished by its row.
#include "controller/deployment_controller.h"
#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

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
// stays, and the next comparison tries again; what they cannot remove is reported.
net::Task<Result<Removal>> DeploymentController::remove_project_now(std::string project_id) {
  routes_.erase(project_id);
  CO_TRY(co_await routes_.publish());
  engine::RemoveProjectRequest request;
  request.set_project(project_id);
  request.set_volumes(true);
  CO_TRY_ASSIGN(engine::RemoveProjectReply reply,
                co_await rpc::call<engine::RemoveProjectReply>(
                    ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveProject, request, 120s));
  Removal removal;
  removal.containers = reply.containers();
  removal.networks = reply.networks();
  removal.images = reply.images();
  for (const engine::Leftover& leftover : reply.leftovers())
    removal.leftovers.push_back({leftover.kind(), leftover.id(), leftover.reason()});
  repos::RemoveRequest repository;
  repository.set_project_id(project_id);
  auto removed = co_await rpc::call<repos::RemoveReply>(ports_.repositories.async(),
                                                        &repos::Repositories::Stub::async::Remove, repository, 60s);
  if (!removed && removed.error().code == Code::kUnavailable) co_return std::unexpected(removed.error());
  if (!removed) removal.leftovers.push_back({"repository", project_id, removed.error().message});
  ports_.log.remove(project_id);
  auto drop = [project_id](store::Tx& tx) { return store::delete_project(tx, project_id); };
  CO_TRY(co_await ports_.database.write(std::move(drop)));
  news(project_id)->notify();
  news_.erase(project_id);
  co_return removal;
}

// Instances whose Project has no row: left by a deletion that was cut off after the row went, or by a restored
// database.
net::Task<void> DeploymentController::remove_orphan(std::string project_id) {
  spdlog::info("removing what project {}, which does not exist, left in the engine", project_id);
  engine::RemoveProjectRequest request;
  request.set_project(project_id);
  auto removed = co_await rpc::call<engine::RemoveProjectReply>(
      ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveProject, request, 120s);
  if (!removed) spdlog::warn("removing project {}: {}", project_id, removed.error().message);
}

}  // namespace paastech::controller
