// Makes one Project's Instances and routes what they should be. Every step can be repeated.
#include "controller/deployment_controller.h"
#include "rpc/client.h"
#include "store/clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

void DeploymentController::spawn_repair(const std::string& project_id) {
  if (!repairing_.insert(project_id).second) return;  // one waits already and will see what is new
  tasks_.spawn("repair", repair(project_id));
}

net::Task<void> DeploymentController::repair(std::string project_id) {
  std::shared_ptr<Turn> mine = turn(project_id);
  co_await mine->take();
  TurnHolder holder(mine);
  repairing_.erase(project_id);
  auto load = [project_id](store::Tx& tx) { return store::find_project(tx, project_id); };
  Result<store::ProjectRow> project = co_await ports_.database.read(std::move(load));
  if (!project) co_return;  // deleted meanwhile, or the next minute tries again
  if (project->deleting) {
    Result<Removal> removed = co_await remove_project_now(project_id);
    if (!removed) spdlog::warn("deleting project {}: {}", project->name, removed.error().message);
    co_return;
  }
  Status done = co_await reconcile_project(project_id);
  if (!done) spdlog::warn("project {}: {}", project->name, done.error().message);
}

// Held to the Project's turn by its caller.
net::Task<Status> DeploymentController::reconcile_project(std::string project_id) {
  engine::ListRequest which;
  which.set_project(project_id);
  CO_TRY_ASSIGN(engine::ListReply listed,
                co_await rpc::call<engine::ListReply>(ports_.pomegranate.async(),
                                                      &engine::Pomegranate::Stub::async::List, which, 30s));
  auto load = [project_id](store::Tx& tx) -> Result<Situation> {
    TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, project_id));
    TRY_ASSIGN(std::optional<store::DeploymentRow> live, store::live_deployment(tx, project_id));
    TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project.owner_id));
    return Situation{project, live, owner.suspended_at != 0};
  };
  CO_TRY_ASSIGN(Situation situation, co_await ports_.database.read(std::move(load)));
  if (situation.project.deleting)
    co_return fail(Code::kFailedPrecondition, "project " + situation.project.name + " is being deleted");
  std::vector<ObservedInstance> observed;
  for (const engine::Instance& instance : listed.instances()) observed.push_back(observed_from(instance));
  const ProjectPlan plan = plan_project(desired_of(situation), observed);

  // What is dead leaves the table before anything slow begins.
  CO_TRY(co_await set_routes(project_id, routes_of(situation, plan)));
  if (plan.start_missing) {
    CO_TRY_ASSIGN(ProjectRoutes routes, co_await run_current(situation.project, *situation.live));
    CO_TRY(co_await set_routes(project_id, std::move(routes)));
  }
  std::vector<router::Backend> leaving;
  for (const ObservedInstance& instance : observed)
    if (plan.remove.contains(instance.deployment) && !instance.address.empty())
      leaving.push_back(backend_of(instance.address, instance.port, instance.deployment));
  co_await routes_.drain(std::move(leaving));
  for (const std::int64_t number : plan.remove) {
    engine::RemoveGroupRequest request;
    request.set_project(project_id);
    request.set_deployment(number);
    CO_TRY(co_await rpc::call<engine::RemoveGroupReply>(ports_.pomegranate.async(),
                                                        &engine::Pomegranate::Stub::async::RemoveGroup, request, 60s));
  }
  co_return Status{};
}

net::Task<Status> DeploymentController::set_routes(std::string project_id, ProjectRoutes routes) {
  routes_.set(project_id, std::move(routes));
  if (routes_.acknowledged()) co_return Status{};
  Status published = co_await routes_.publish();
  co_return published;
}

// Brings the live Deployment's Instances back, for instance after somebody removed a container.
net::Task<Result<ProjectRoutes>> DeploymentController::run_current(store::ProjectRow project,
                                                                   store::DeploymentRow live) {
  CO_TRY_ASSIGN(engine::InstanceGroup group, group_of(project, live));
  rpc::ReadStream<engine::GroupEvent> events(ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::EnsureGroup,
                                             group);
  while (true) {
    CO_TRY_ASSIGN(std::optional<engine::GroupEvent> event, co_await events.next());
    if (!event) co_return fail(Code::kInternal, "the engine ended the start without a result");
    if (event->has_failed()) co_return fail(Code::kFailedPrecondition, event->failed().message());
    if (!event->has_ready()) continue;
    ProjectRoutes routes{project.name, {}};
    for (const engine::Instance& instance : event->ready().instances())
      routes.backends.push_back(backend_of(instance.address(), instance.port(), live.number));
    co_return routes;
  }
}

}  // namespace paastech::controller
