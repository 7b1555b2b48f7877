// What is against what should be: at start, on the Engine's events, and every minute. domain/plan.h decides; this acts.
#include "controller/deployment_controller.h"
#include "domain/plan.h"
#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr auto kEvery = 60s;           // a full comparison, whatever the events say
constexpr auto kRouterCheck = 5s;      // has an ingress lost the table?
constexpr auto kRetry = 2s;            // after the Engine did not answer

}  // namespace

net::Task<void> DeploymentController::take_up() {
  while (true) {
    Status done = co_await take_up_deployments();
    if (done) break;
    spdlog::warn("taking up deployments: {}", done.error().message);
    [[maybe_unused]] Status slept = co_await net::sleep_for(kRetry);
  }
  tasks_.spawn("watch", watch_engine());
  bool complained = false;
  auto next_full = std::chrono::steady_clock::now();
  while (true) {
    if (std::chrono::steady_clock::now() >= next_full) {
      Status done = co_await reconcile_all();
      if (!done && !complained) spdlog::warn("comparing with the engine: {}", done.error().message);
      if (done && complained) spdlog::info("the engine answers again");
      complained = !done;
      next_full = std::chrono::steady_clock::now() + (done ? std::chrono::seconds(kEvery) : std::chrono::seconds(kRetry));
    }
    [[maybe_unused]] Status slept = co_await net::sleep_for(complained ? kRetry : kRouterCheck);
    co_await routes_.refresh_stale();
  }
}

// A push whose terminal is gone cannot be finished, for its objects were in quarantine: it failed. A change of
// configuration was acknowledged: it goes on from where it was.
net::Task<Status> DeploymentController::take_up_deployments() {
  const std::int64_t now = ports_.clock.now_ms();
  auto sort_out = [now](store::Tx& tx) -> Result<std::vector<store::DeploymentRow>> {
    TRY_ASSIGN(std::vector<store::DeploymentRow> rows,
               store::deployments_in(tx, {DeploymentState::kQueued, DeploymentState::kBuilding,
                                          DeploymentState::kReleasing, DeploymentState::kStarting}));
    std::vector<store::DeploymentRow> resumed;
    for (store::DeploymentRow& row : rows) {
      if (row.cause != DeploymentCause::kPush) {
        resumed.push_back(row);
        continue;
      }
      row.state = DeploymentState::kFailed;
      row.reason = "interrupted";
      row.message = "the Service was restarted in the middle of this deployment; push again";
      row.finished_at = now;
      TRY(store::update_deployment(tx, row));
    }
    return resumed;
  };
  CO_TRY_ASSIGN(std::vector<store::DeploymentRow> resumed, co_await ports_.database.write(std::move(sort_out)));
  for (const store::DeploymentRow& row : resumed) {
    auto rollout = std::make_shared<Rollout>();
    rollout->row = row;
    rollout->feed = std::make_shared<Feed>(tasks_.executor(), ports_.log, row.project_id, row.number);
    rollout->feed->add("The Service was restarted; this deployment goes on.");
    rollouts_[{row.project_id, row.number}] = rollout;
    tasks_.spawn("rollout", run_rollout(rollout));
  }
  co_return Status{};
}

net::Task<Status> DeploymentController::reconcile_all() {
  auto load = [](store::Tx& tx) { return store::list_projects(tx, ""); };
  CO_TRY_ASSIGN(std::vector<store::ProjectRow> projects, co_await ports_.database.read(std::move(load)));
  const engine::ListRequest everything;
  CO_TRY_ASSIGN(engine::ListReply listed,
                co_await rpc::call<engine::ListReply>(ports_.pomegranate.async(),
                                                      &engine::Pomegranate::Stub::async::List, everything, 30s));
  std::set<std::string> unknown;
  for (const engine::Instance& instance : listed.instances()) unknown.insert(instance.project());
  for (const store::ProjectRow& project : projects) {
    unknown.erase(project.id);
    if (!turn(project.id)->busy()) {
      std::shared_ptr<Turn> mine = turn(project.id);
      co_await mine->take();
      TurnHolder holder(mine);
      if (project.deleting) {
        Result<Removal> removed = co_await remove_project_now(project.id);
        if (!removed) spdlog::warn("deleting project {}: {}", project.name, removed.error().message);
      } else {
        Status done = co_await reconcile_project(project.id);
        if (!done) spdlog::warn("project {}: {}", project.name, done.error().message);
      }
    }
  }
  for (const std::string& orphan : unknown) {
    spdlog::info("removing instances of project {}, which does not exist", orphan);
    engine::RemoveProjectRequest request;
    request.set_project(orphan);
    auto removed = co_await rpc::call<engine::RemoveProjectReply>(
        ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveProject, request, 120s);
    if (!removed) spdlog::warn("removing project {}: {}", orphan, removed.error().message);
  }
  Status published = co_await routes_.publish();
  co_return published;
}

// Held to the Project's turn by its caller.
net::Task<Status> DeploymentController::reconcile_project(std::string project_id) {
  using Loaded = std::pair<store::ProjectRow, std::optional<store::DeploymentRow>>;
  auto load = [project_id](store::Tx& tx) -> Result<Loaded> {
    TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, project_id));
    TRY_ASSIGN(std::optional<store::DeploymentRow> live, store::live_deployment(tx, project_id));
    return Loaded(project, live);
  };
  CO_TRY_ASSIGN(Loaded loaded, co_await ports_.database.read(std::move(load)));
  auto& [project, live] = loaded;
  engine::ListRequest which;
  which.set_project(project_id);
  CO_TRY_ASSIGN(engine::ListReply listed,
                co_await rpc::call<engine::ListReply>(ports_.pomegranate.async(),
                                                      &engine::Pomegranate::Stub::async::List, which, 30s));
  DesiredProject desired;
  desired.project = project_id;
  if (live && !project.stopped) {
    desired.deployment = live->number;
    desired.processes["web"] = 1;
  }
  for (const auto& [key, rollout] : rollouts_)
    if (key.first == project_id) desired.in_progress.insert(key.second);
  std::vector<ObservedInstance> observed;
  for (const engine::Instance& instance : listed.instances())
    observed.push_back({instance.project(), instance.deployment(), instance.process(), instance.index(),
                        instance.state(), instance.address(), instance.port()});
  const ProjectPlan decided = plan_project(desired, observed);

  ProjectRoutes routes{project.name, {}};
  for (const ObservedInstance& instance : decided.routable) {
    router::Backend backend;
    backend.set_address(instance.address);
    backend.set_port(instance.port);
    backend.set_deployment(instance.deployment);
    routes.backends.push_back(backend);
  }
  const std::vector<router::Backend> before = routes_.backends(project_id);
  routes_.set(project_id, routes);
  if (decided.start_missing) {
    CO_TRY(co_await run_current(project, *live));
  }
  const std::vector<router::Backend> after = routes_.backends(project_id);
  const auto same = [](const router::Backend& a, const router::Backend& b) {
    return a.address() == b.address() && a.port() == b.port() && a.deployment() == b.deployment();
  };
  if (!std::equal(before.begin(), before.end(), after.begin(), after.end(), same)) {
    CO_TRY(co_await routes_.publish());
    if (!decided.remove.empty()) co_await routes_.drain(before);
  }
  for (const std::int64_t number : decided.remove) {
    engine::RemoveGroupRequest request;
    request.set_project(project_id);
    request.set_deployment(number);
    CO_TRY(co_await rpc::call<engine::RemoveGroupReply>(ports_.pomegranate.async(),
                                                        &engine::Pomegranate::Stub::async::RemoveGroup, request, 60s));
  }
  co_return Status{};
}

// Brings the live Deployment's Instances back, for instance after `start` or after somebody removed a container.
net::Task<Status> DeploymentController::run_current(store::ProjectRow project, store::DeploymentRow live) {
  CO_TRY_ASSIGN(engine::InstanceGroup group, group_of(project, live));
  rpc::ReadStream<engine::GroupEvent> events(ports_.pomegranate.async(),
                                             &engine::Pomegranate::Stub::async::EnsureGroup, group);
  while (true) {
    CO_TRY_ASSIGN(std::optional<engine::GroupEvent> event, co_await events.next());
    if (!event) co_return fail(Code::kInternal, "the engine ended the start without a result");
    if (event->has_failed()) co_return fail(Code::kFailedPrecondition, event->failed().message());
    if (!event->has_ready()) continue;
    ProjectRoutes routes{project.name, {}};
    for (const engine::Instance& instance : event->ready().instances()) {
      router::Backend backend;
      backend.set_address(instance.address());
      backend.set_port(instance.port());
      backend.set_deployment(live.number);
      routes.backends.push_back(backend);
    }
    routes_.set(project.id, routes);
    co_return Status{};
  }
}

net::Task<void> DeploymentController::watch_engine() {
  while (true) {
    const engine::WatchRequest everything;
    rpc::ReadStream<engine::InstanceEvent> events(ports_.pomegranate.async(),
                                                  &engine::Pomegranate::Stub::async::Watch, everything);
    while (true) {
      Result<std::optional<engine::InstanceEvent>> event = co_await events.next();
      if (!event || !*event) break;
      const engine::InstanceEvent& got = **event;
      const std::string project_id = got.instance().project();
      const bool known = !project_id.empty() && !turn(project_id)->busy();
      if (!known || (got.kind() != "start" && got.kind() != "die")) continue;
      std::shared_ptr<Turn> mine = turn(project_id);
      co_await mine->take();
      TurnHolder holder(mine);
      Status done = co_await reconcile_project(project_id);
      if (!done && done.error().code != Code::kNotFound)
        spdlog::warn("project {}: {}", project_id, done.error().message);
    }
    [[maybe_unused]] Status slept = co_await net::sleep_for(kRetry);
  }
}

// Held to the Project's turn by its caller. What could not be removed is reported; the row goes when nothing is left
// that could still run or hold data.
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
  if (!removed) removal.leftovers.push_back({"repository", project_id, removed.error().message});
  ports_.log.remove(project_id);
  auto drop = [project_id](store::Tx& tx) { return store::delete_project(tx, project_id); };
  CO_TRY(co_await ports_.database.write(std::move(drop)));
  news(project_id)->notify();
  news_.erase(project_id);
  co_return removal;
}

}  // namespace paastech::controller
