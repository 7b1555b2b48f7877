// How the new Instances take the place of the old ones: all at once, one by one, or after their end. In each the order
// is: ready, published, acknowledged, committed; then drained, stopped, removed.
#include "base/failpoint.h"
#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"

namespace paastech::controller {

namespace {

std::vector<router::Backend> backends_of(const google::protobuf::RepeatedPtrField<engine::Instance>& instances) {
  std::vector<router::Backend> backends;
  for (const engine::Instance& instance : instances)
    if (instance.process() == "web")
      backends.push_back(backend_of(instance.address(), instance.port(), instance.deployment()));
  return backends;
}

// Those of one group, lowest index first.
std::vector<engine::Instance> of_group(const std::vector<engine::Instance>& all, const GroupKey& group) {
  std::vector<engine::Instance> out;
  for (const engine::Instance& instance : all)
    if (instance.deployment() == group.deployment && instance.process() == group.process) out.push_back(instance);
  std::ranges::sort(out, {}, &engine::Instance::index);
  return out;
}

// The groups that end: all but those that a change of scale goes on with.
std::vector<GroupKey> leaving_groups(const Rollout& rollout, const ProcessList& before) {
  std::vector<GroupKey> out;
  for (const auto& [key, count] : groups_of(rollout.before->number, before)) {
    const auto now = rollout.list.processes.find(key.process);
    if (now == rollout.list.processes.end() || now->second.group == 0) out.push_back(key);
  }
  return out;
}

// Old ones that are only just starting, or not known to be well, get no visitors: a new one that is ready is beside
// them.
void hide_unready(std::vector<engine::Instance>& running, const ProjectPlan& plan) {
  for (engine::Instance& one : running) {
    const InstanceName name{one.deployment(), one.process(), one.index()};
    const auto found = std::ranges::find(plan.routable, name, &ObservedInstance::name);
    if (found == plan.routable.end() || !found->kept) one.clear_address();
  }
}

void tell_failure(Feed& feed, const engine::GroupFailed& failed) {
  if (failed.last_lines_size() > 0) feed.add("    Its last lines:");
  for (const std::string& line : failed.last_lines()) feed.add("    | " + line);
}

}  // namespace

// Makes the Process run and be ready; its Backends where it is `web`.
net::Task<Result<DeploymentController::Backends>> DeploymentController::start_group(RolloutPtr rollout,
                                                                                    std::string name, Process process) {
  const bool adopted = process.group > 0;
  const store::DeploymentRow& source = adopted ? rollout->adopted.at(process.group) : rollout->row;
  CO_TRY_ASSIGN(engine::InstanceGroup group, instance_group(ports_.secrets, rollout->project, source, name, process));
  const OnLine on_line = [feed = rollout->feed](const std::string& line) { feed->add("    " + line); };
  CO_TRY_ASSIGN(const engine::GroupEvent outcome,
                co_await ports_.engine.ensure_group(std::move(group), on_line, rollout->stop));
  if (outcome.has_failed()) {
    rollout->row.reason = outcome.failed().reason();
    tell_failure(*rollout->feed, outcome.failed());
    co_return fail(Code::kFailedPrecondition, outcome.failed().message());
  }
  co_return backends_of(outcome.ready().instances());
}

// All Instances of one Process at once.
net::Task<Result<DeploymentController::Backends>> DeploymentController::start_whole(RolloutPtr rollout,
                                                                                    std::string name, Process process) {
  const std::string where = name == "web" ? fmt::format(" on port {}", rollout->row.port) : "";
  const std::string many = process.count > 1 ? fmt::format(" ({} Instances)", process.count) : "";
  rollout->feed->add("==> Starting " + name + many + where);
  CO_TRY_ASSIGN(Backends backends, co_await start_group(rollout, name, process));
  PAASTECH_FAILPOINT("rollout.group");
  CO_TRY(rollout->still_wanted());
  co_return backends;
}

net::Task<Result<DeploymentController::Backends>> DeploymentController::start_all(RolloutPtr rollout) {
  Backends web;
  for (const auto& [name, process] : rollout->list.processes) {
    if (process.count == 0) continue;
    CO_TRY_ASSIGN(Backends backends, co_await start_whole(rollout, name, process));
    if (name == "web") web = std::move(backends);
  }
  co_return web;
}

net::Task<Status> DeploymentController::replace_at_once(RolloutPtr rollout) {
  CO_TRY_ASSIGN(Backends web, co_await start_all(rollout));
  Status done = co_await cut_over(rollout, std::move(web));
  co_return done;
}

net::Task<Status> DeploymentController::replace_one_by_one(RolloutPtr rollout) {
  CO_TRY(co_await routes_.wait_complete());
  CO_TRY_ASSIGN(const ProcessList before, process_list_from_json(rollout->before->processes));
  CO_TRY_ASSIGN(std::vector<engine::Instance> running, co_await ports_.engine.list(rollout->project.id));
  const DesiredProject desired = desired_of({rollout->project, rollout->before}, before);
  hide_unready(running, plan_project(desired, observed_from(running)));
  auto web = std::make_shared<Backends>();
  for (const auto& [name, process] : rollout->list.processes) {
    if (process.group > 0) {  // goes on with what runs
      if (process.count == 0) continue;
      CO_TRY_ASSIGN(Backends backends, co_await start_whole(rollout, name, process));
      if (name == "web") *web = std::move(backends);
      continue;
    }
    const auto old = before.processes.find(name);
    std::vector<engine::Instance> leaving;
    if (old != before.processes.end())
      leaving = of_group(running, group_of(rollout->before->number, name, old->second));
    CO_TRY(co_await replace_process(rollout, name, std::move(leaving), web));
  }
  Status done = co_await cut_over(rollout, *web);
  co_return done;
}

// A new one is ready, an old one leaves; so there is at most one more than there should be, and never fewer ready.
net::Task<Status> DeploymentController::replace_process(RolloutPtr rollout, std::string name,
                                                        std::vector<engine::Instance> old,
                                                        std::shared_ptr<Backends> web) {
  const Process target = rollout->list.processes.at(name);
  for (int ready = 1; ready <= target.count; ++ready) {
    rollout->feed->add(fmt::format("==> Replacing {} {} of {}", name, ready, target.count));
    Process so_far = target;
    so_far.count = ready;
    CO_TRY_ASSIGN(Backends fresh, co_await start_group(rollout, name, so_far));
    CO_TRY(rollout->still_wanted());
    if (name == "web") *web = fresh;
    if (old.empty()) continue;
    const engine::Instance leaving = old.front();
    old.erase(old.begin());
    if (name == "web") {
      for (const engine::Instance& still : old)
        if (!still.address().empty()) fresh.push_back(backend_of(still.address(), still.port(), still.deployment()));
      ProjectRoutes routes{rollout->project.name, std::move(fresh)};
      CO_TRY(co_await set_routes(rollout->project.id, std::move(routes)));
      PAASTECH_FAILPOINT("rollout.rolling");
      if (!leaving.address().empty()) {
        Backends drained(1, backend_of(leaving.address(), leaving.port(), leaving.deployment()));
        const std::chrono::seconds longest = drain_time(rollout->before);
        co_await routes_.drain(std::move(drained), longest);
      }
    }
    engine::RemoveGroupRequest which;
    which.set_project(rollout->project.id);
    which.set_deployment(leaving.deployment());
    which.set_process(name);
    which.add_index(leaving.index());
    CO_TRY(co_await end_instances(std::move(which)));
  }
  co_return Status{};
}

net::Task<Status> DeploymentController::replace_after_the_end(RolloutPtr rollout) {
  CO_TRY(co_await routes_.wait_complete());
  CO_TRY(co_await need_image(rollout));  // nothing ends for what cannot start
  CO_TRY_ASSIGN(const ProcessList before, process_list_from_json(rollout->before->processes));
  const std::vector<GroupKey> leaving = leaving_groups(*rollout, before);
  if (rollout->resizes)
    for (const GroupKey& key : leaving)
      rollout->feed->add("==> Ending " + key.process + ", before its new size starts");
  else
    rollout->feed->add("==> Ending what runs, before the new version starts");
  Backends old;
  if (std::ranges::count(leaving, "web", &GroupKey::process) > 0) {
    old = routes_.backends(rollout->project.id);
    ProjectRoutes none{rollout->project.name, {}};
    CO_TRY(co_await set_routes(rollout->project.id, std::move(none)));
  }
  PAASTECH_FAILPOINT("rollout.recreate");
  const std::chrono::seconds longest = drain_time(before);
  co_await routes_.drain(std::move(old), longest);
  for (const GroupKey& key : leaving) {
    engine::RemoveGroupRequest which;
    which.set_project(rollout->project.id);
    which.set_deployment(key.deployment);
    which.set_process(key.process);
    CO_TRY(co_await end_instances(std::move(which)));
  }
  Status done = co_await replace_at_once(rollout);
  co_return done;
}

// Publish, acknowledge, commit; then drain and stop the old, which the Client need not wait for.
net::Task<Status> DeploymentController::cut_over(RolloutPtr rollout, Backends backends) {
  const std::string project_id = rollout->row.project_id;
  CO_TRY(co_await routes_.wait_complete());  // after a restart: what serves is not known before
  const Backends old = routes_.backends(project_id);
  routes_.set(project_id, ProjectRoutes{rollout->project.name, std::move(backends)});
  Status published = co_await routes_.publish();
  PAASTECH_FAILPOINT("rollout.published");
  Status moved = published;
  if (published) {
    store::DeploymentRow live = rollout->row;
    live.state = DeploymentState::kLive;
    live.finished_at = ports_.clock.now_ms();
    auto commit = [live](store::Tx& tx) -> Status {
      TRY_ASSIGN(std::optional<store::DeploymentRow> before, store::live_deployment(tx, live.project_id));
      if (before) {
        before->state = DeploymentState::kSuperseded;
        TRY(store::update_deployment(tx, *before));
      }
      TRY(store::set_stopped(tx, live.project_id, false));
      return store::update_deployment(tx, live);
    };
    moved = co_await ports_.database.write_at_last(std::move(commit));
    if (moved) rollout->row = live;
  }
  if (!moved) {
    routes_.set(project_id, ProjectRoutes{rollout->project.name, old});
    Status restored = co_await routes_.publish();
    if (!restored) spdlog::error("restoring routes: {}", restored.error().message);
    co_return moved;
  }
  PAASTECH_FAILPOINT("rollout.live");
  problems_.erase(project_id);
  compared_.insert(project_id);
  news(project_id)->notify();
  std::set<std::int64_t> leaving;
  for (const router::Backend& backend : old) leaving.insert(backend.deployment());
  if (rollout->before) {
    const Result<ProcessList> before = process_list_from_json(rollout->before->processes);
    if (before)
      for (const auto& [key, count] : groups_of(rollout->before->number, *before)) leaving.insert(key.deployment);
  }
  for (const auto& [key, count] : groups_of(rollout->row.number, rollout->list)) leaving.erase(key.deployment);
  for (const std::int64_t number : leaving) retiring_.insert({project_id, number});
  Backends drained;
  for (const router::Backend& backend : old)
    if (leaving.contains(backend.deployment())) drained.push_back(backend);
  tasks_.spawn("retire", retire(rollout, std::move(leaving), std::move(drained)));
  co_return Status{};
}

}  // namespace paastech::controller
