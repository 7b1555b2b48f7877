// Makes one Project's Instances and routes what they should be. Every step can be repeated.
#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"
#include "store/clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {
// After somebody did not answer: several times in the 30 s in which a fault should heal, and less often later.
constexpr auto kLongestPause = 20s;
}  // namespace

void DeploymentController::repair_soon(const std::string& project_id) {
  Again& again = again_[project_id];
  if (std::exchange(again.waits, true)) return;
  tasks_.spawn("repair later", repair_later(project_id, again.pause));
  again.pause = std::min<std::chrono::seconds>(again.pause * 2, kLongestPause);
}

net::Task<void> DeploymentController::repair_later(std::string project_id, std::chrono::seconds pause) {
  const Status slept = co_await net::sleep_for(pause);
  const auto again = again_.find(project_id);  // gone: a repair has met everybody meanwhile
  if (again != again_.end()) again->second.waits = false;
  if (slept) spawn_repair(project_id);
}

void DeploymentController::spawn_repair(const std::string& project_id) {
  if (!repair_waits_.insert(project_id).second) return;  // one waits already and will see what is new
  tasks_.spawn("repair", repair(project_id));
}

net::Task<void> DeploymentController::repair(std::string project_id) {
  std::shared_ptr<Turn> mine = turn(project_id);
  const bool guest = co_await mine->take_or_visit();
  TurnHolder holder(mine, guest);
  repair_waits_.erase(project_id);
  missed_.erase(project_id);
  auto load = [project_id](store::Tx& tx) { return store::find_project(tx, project_id); };
  Result<store::ProjectRow> project = co_await ports_.database.read(std::move(load));
  if (!project && project.error().code == Code::kUnavailable) repair_soon(project_id);
  if (!project) co_return;  // deleted meanwhile, if it is not the database that is away
  if (project->deleting) {
    if (guest) co_return;  // who deletes it has come for the turn already
    const bool known = again_.contains(project_id);
    Result<Removal> removed = co_await remove_project_now(project_id);
    if (removed) again_.erase(project_id);
    if (!removed && !known) spdlog::warn("deleting project {}: {}", project->name, removed.error().message);
    co_return;
  }
  const auto stop = std::make_shared<Stop>();
  if (!guest && under_way(project_id)) stop->ask();  // a Deployment waits already
  repairing_[project_id] = stop;
  const Status done = co_await reconcile_project(project_id);
  repairing_.erase(project_id);
  const bool away = !done && done.error().code == Code::kUnavailable;
  if (!done && done.error().code != Code::kCancelled && !(away && again_.contains(project_id)))
    spdlog::warn("project {}: {}", project->name, done.error().message);
  if (away)
    repair_soon(project_id);
  else
    again_.erase(project_id);
  mark(project_id, done);
  if (missed_.erase(project_id) > 0) spawn_repair(project_id);
}

// An Engine or ingress that does not answer is no fault of the Project's.
void DeploymentController::mark(const std::string& project_id, const Status& done) {
  if (done) {
    problems_.erase(project_id);
    return;
  }
  const Error& error = done.error();
  if (error.code == Code::kUnavailable || error.code == Code::kCancelled) return;
  Condition& condition = problems_[project_id];
  if (condition.problem != error.message) condition.problem_since_ms = ports_.clock.now_ms();
  condition.problem = error.message;
}

// Held to the Project's turn by its caller. abandoned: a Deployment that came to nothing; what it started goes.
net::Task<Status> DeploymentController::reconcile_project(std::string project_id, std::int64_t abandoned) {
  CO_TRY_ASSIGN(const std::vector<engine::Instance> listed, co_await ports_.engine.list(project_id));
  auto load = [project_id](store::Tx& tx) -> Result<Situation> {
    TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, project_id));
    TRY_ASSIGN(std::optional<store::DeploymentRow> live, store::live_deployment(tx, project_id));
    TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project.owner_id));
    return Situation{project, live, owner.suspended_at != 0};
  };
  CO_TRY_ASSIGN(const Situation situation, co_await ports_.database.read(std::move(load)));
  if (situation.project.deleting)
    co_return fail(Code::kFailedPrecondition, "project " + situation.project.name + " is being deleted");
  std::vector<ObservedInstance> observed = observed_from(listed);
  CO_TRY_ASSIGN(const ProcessList list, list_of(situation));
  DesiredProject desired = desired_of(situation, list);
  desired.in_progress.erase(abandoned);
  // A rollout that came to nothing may have ended some that should run again.
  if (abandoned == 0 && compared_.contains(project_id) && note_ends(listed, desired))
    desired = desired_of(situation, list);
  const bool something_runs = std::ranges::any_of(listed, [](const auto& one) { return one.state() != "exited"; });
  if (situation.suspended && something_runs) {
    CO_TRY(co_await stop_at_once(situation.project));
  }
  const ProjectPlan plan = plan_project(desired, observed);
  watch_liveness(situation, list);

  // What is dead leaves the table before anything slow begins.
  ProjectRoutes seen = routes_of(situation, plan);
  CO_TRY(co_await set_routes(project_id, std::move(seen)));
  const auto mine = repairing_.find(project_id);
  const StopPtr stop = mine == repairing_.end() ? std::make_shared<Stop>() : mine->second;
  CO_TRY_ASSIGN(const bool room, co_await room_first(project_id, list.strategy, plan));
  // Also where it is stopped, and its list empty.
  const std::chrono::seconds longest = situation.suspended ? 0s : drain_time(situation.live);
  if (room) {
    CO_TRY(co_await remove_what_leaves(situation, plan, observed, longest, abandoned));
  }
  Status brought;
  for (const auto& [key, indexes] : plan.start) {
    const Status one = co_await bring_back(situation, key, list.processes.at(key.process), plan, stop);
    if (!one && brought) brought = one;  // one Process that cannot be started holds up no other
  }
  if (!room) {
    CO_TRY(co_await remove_what_leaves(situation, plan, std::move(observed), longest, abandoned));
  }
  if (brought && situation.live) compared_.insert(project_id);
  co_return brought;
}

// What cannot run twice runs nowhere for a while: what is to go ends before anything comes, whichever of both says so.
net::Task<Result<bool>> DeploymentController::room_first(std::string project_id, Strategy live, ProjectPlan plan) {
  if (plan.start.empty() || plan.remove.empty()) co_return false;
  if (live == Strategy::kRecreate) co_return true;
  auto ask = [project_id, plan](store::Tx& tx) -> Result<bool> {
    for (const Surplus& one : plan.remove) {
      const Result<store::DeploymentRow> row = store::find_deployment(tx, project_id, one.deployment);
      if (!row && row.error().code != Code::kNotFound) return std::unexpected(row.error());
      const Result<ProcessList> list =
          row ? process_list_from_json(row->processes) : Result<ProcessList>(ProcessList());
      if (list && list->strategy == Strategy::kRecreate) return true;
    }
    return false;
  };
  Result<bool> asked = co_await ports_.database.read(std::move(ask));
  co_return asked;
}

net::Task<Status> DeploymentController::remove_what_leaves(Situation situation, ProjectPlan plan,
                                                           std::vector<ObservedInstance> observed,
                                                           std::chrono::seconds longest, std::int64_t abandoned) {
  if (plan.remove.empty()) co_return Status{};
  const std::string& project_id = situation.project.id;
  std::vector<router::Backend> leaving = leaving_backends(plan.remove, observed);
  // What served only because nothing else did; and the ingress knows of all that came before.
  ProjectRoutes staying{situation.project.name, routes_.backends(project_id)};
  for (const router::Backend& one : leaving)
    std::erase_if(staying.backends, [&one](const router::Backend& each) { return each.address() == one.address(); });
  CO_TRY(co_await set_routes(project_id, std::move(staying)));
  Status removed = co_await remove_surplus(project_id, plan.remove, std::move(leaving), longest, abandoned);
  co_return removed;
}

net::Task<Status> DeploymentController::set_routes(std::string project_id, ProjectRoutes routes) {
  routes_.set(project_id, std::move(routes));
  if (routes_.acknowledged()) co_return Status{};
  Status published = co_await routes_.publish();
  co_return published;
}

// The Instances of one group that the plan says, for instance after one crashed or somebody removed a container. One
// that cannot be started counts as crashed, so that the next attempt comes later; the others are none the worse for it.
net::Task<Status> DeploymentController::bring_back(Situation situation, GroupKey key, Process process, ProjectPlan plan,
                                                   StopPtr stop) {
  const std::string project_id = situation.project.id;
  store::DeploymentRow source = *situation.live;
  if (key.deployment != source.number) {
    auto find = [project_id, number = key.deployment](store::Tx& tx) {
      return store::find_deployment(tx, project_id, number);
    };
    CO_TRY_ASSIGN(source, co_await ports_.database.read(std::move(find)));
  }
  CO_TRY_ASSIGN(engine::InstanceGroup group,
                instance_group(ports_.secrets, situation.project, source, key.process, process));
  const std::set<int>& wanted = plan.start.at(key);
  for (const int index : wanted) group.add_index(index);
  const OnLine quiet = [](const std::string&) {};
  CO_TRY_ASSIGN(const engine::GroupEvent outcome, co_await ports_.engine.ensure_group(std::move(group), quiet, stop));
  const auto& ready = outcome.has_failed() ? outcome.failed().ready() : outcome.ready().instances();
  const auto book = crashes_.find(project_id);
  if (book != crashes_.end())
    for (const engine::Instance& instance : ready)
      book->second.well({key.deployment, key.process, instance.index()}, ports_.clock.steady_ms());
  if (outcome.has_failed()) note_failed_start(project_id, key, wanted, outcome.failed());
  if (key.process == "web") {
    ProjectRoutes routes{situation.project.name, {}};
    Backends meanwhile;
    for (const ObservedInstance& other : plan.routable) {
      const bool of_group = other.deployment == key.deployment;
      if ((of_group && wanted.contains(other.index)) || has_ended(project_id, other.name())) continue;
      (of_group ? routes.backends : meanwhile).push_back(backend_of(other.address, other.port, other.deployment));
    }
    for (const engine::Instance& instance : ready)
      routes.backends.push_back(backend_of(instance.address(), instance.port(), instance.deployment()));
    if (routes.backends.empty()) routes.backends = std::move(meanwhile);
    CO_TRY(co_await set_routes(project_id, std::move(routes)));
  }
  if (outcome.has_failed()) co_return fail(Code::kFailedPrecondition, outcome.failed().message());
  co_return Status{};
}

net::Task<Status> DeploymentController::remove_surplus(std::string project_id, std::set<Surplus> surplus,
                                                       std::vector<router::Backend> leaving,
                                                       std::chrono::seconds longest, std::int64_t abandoned) {
  co_await routes_.drain(std::move(leaving), longest);
  for (const Surplus& one : surplus) {
    engine::RemoveGroupRequest which;
    which.set_project(project_id);
    which.set_deployment(one.deployment);
    which.set_process(one.process);
    which.set_from_index(one.from_index);
    if (one.deployment == abandoned) which.set_grace_seconds(1);  // it never served
    CO_TRY(co_await end_instances(std::move(which)));
  }
  co_return Status{};
}

}  // namespace paastech::controller
