// What is against what should be: at start, on the Engine's events, and every minute. domain/plan.h decides; repair.cc
// acts.
#include <algorithm>

#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"
#include "net/loop_time.h"
#include "store/managed_clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds kEvery = 60s;       // a full comparison, whatever the events say
constexpr std::chrono::seconds kRouterCheck = 5s;  // has an ingress lost the table?
constexpr std::chrono::seconds kEngineRetry = 2s;  // after the Engine did not answer

}  // namespace

net::Task<void> DeploymentController::take_up() {
  while (true) {
    Status done = co_await take_up_deployments();
    if (done) break;
    spdlog::warn("taking up deployments: {}", done.error().message);
    [[maybe_unused]] Status slept = co_await net::sleep_for(kEngineRetry);
  }
  taken_up_ = true;
  took_up_.notify();
  tasks_.spawn("watch", watch_engine());
  tasks_.spawn("restarts", restart_what_is_due());
  tasks_.spawn("liveness", check_liveness());
  tasks_.spawn("disk", watch_disk());
  bool complained = false;
  auto next_full = net::LoopClock::now();
  while (true) {
    if (std::exchange(compare_soon_, false) || net::LoopClock::now() >= next_full) {
      Status done = co_await reconcile_all();
      if (!done && !complained) spdlog::warn("comparing with the engine: {}", done.error().message);
      if (done && complained) spdlog::info("the engine answers again");
      complained = !done;
      next_full = net::LoopClock::now() + (done ? kEvery : kEngineRetry);
    }
    [[maybe_unused]] Status slept = co_await net::sleep_for(complained ? kEngineRetry : kRouterCheck);
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
    for (store::DeploymentRow& row : rows) {
      if (row.cause != DeploymentCause::kPush) continue;
      row.state = DeploymentState::kFailed;
      row.reason = "interrupted";
      row.message = "the Service was restarted in the middle of this deployment; push again";
      row.finished_at = now;
      TRY(store::update_deployment(tx, row));
    }
    return rows;
  };
  CO_TRY_ASSIGN(std::vector<store::DeploymentRow> left, co_await ports_.database.write(std::move(sort_out)));
  // By number, not by time: the clock may have been set back between two of a Project.
  std::ranges::sort(left, {}, &store::DeploymentRow::number);
  for (const store::DeploymentRow& row : left) {
    if (is_running(row.state)) {
      begin(row)->feed->add("The Service was restarted; this deployment goes on.");
    } else if (Status told = ports_.log.append(row.project_id, row.number, "==> Failed: " + row.message); !told) {
      spdlog::warn("{}", told.error().message);
    }
  }
  co_return Status{};
}

Result<ProcessList> DeploymentController::list_of(const Situation& situation) {
  if (!situation.live || situation.project.stopped || situation.suspended) return ProcessList{.processes = {}};
  return process_list_from_json(situation.live->processes);
}

DesiredProject DeploymentController::desired_of(const Situation& situation, const ProcessList& list) {
  DesiredProject desired;
  desired.project = situation.project.id;
  if (situation.live) desired.groups = groups_of(situation.live->number, list);
  for (const auto& [key, rollout] : rollouts_)
    if (key.first == situation.project.id) desired.in_progress.insert(key.second);
  for (const auto& [project, number] : retiring_)
    if (project == situation.project.id) desired.drained.insert(number);
  desired.in_progress.insert(desired.drained.begin(), desired.drained.end());
  const auto book = crashes_.find(situation.project.id);
  if (book == crashes_.end()) return desired;
  const std::int64_t now = ports_.clock.steady_ms();
  book->second.keep_only(desired.groups, now);
  desired.waiting = book->second.waiting(now);
  desired.unverified = book->second.unverified(now);
  if (book->second.empty()) crashes_.erase(book);
  return desired;
}

ProjectRoutes DeploymentController::routes_of(const Situation& situation, const ProjectPlan& plan) {
  ProjectRoutes routes{situation.project.name, {}};
  for (const ObservedInstance& instance : plan.routable)
    routes.backends.push_back(backend_of(instance.address, instance.port, instance.deployment));
  return routes;
}

// One look at the Engine and one at the database for all Projects; what needs work gets a task of its own, so that a
// Project that cannot be repaired holds up no other.
net::Task<Status> DeploymentController::reconcile_all() {
  std::map<std::string, std::uint64_t> epochs;
  for (const auto& [project_id, each] : turns_) epochs[project_id] = each->epoch();
  const std::string every_project;
  CO_TRY_ASSIGN(const std::vector<engine::Instance> listed, co_await ports_.engine.list(every_project));
  auto load = [](store::Tx& tx) -> Result<std::vector<Situation>> {
    TRY_ASSIGN(std::vector<store::ProjectRow> projects, store::list_projects(tx, ""));
    TRY_ASSIGN(std::vector<store::DeploymentRow> live, store::deployments_in(tx, {DeploymentState::kLive}));
    TRY_ASSIGN(const std::set<std::string> shut, store::suspended_clients(tx));
    std::map<std::string, store::DeploymentRow> by_project;
    for (store::DeploymentRow& row : live) by_project[row.project_id] = std::move(row);
    std::vector<Situation> situations;
    for (store::ProjectRow& project : projects) {
      const auto found = by_project.find(project.id);
      const bool suspended = shut.contains(project.owner_id);
      situations.push_back({std::move(project), {}, suspended});
      if (found != by_project.end()) situations.back().live = std::move(found->second);
    }
    return situations;
  };
  CO_TRY_ASSIGN(std::vector<Situation> situations, co_await ports_.database.read(std::move(load)));

  std::map<std::string, std::vector<ObservedInstance>> observed;
  for (const engine::Instance& instance : listed) observed[instance.project()].push_back(observed_from(instance));
  for (const Situation& situation : situations) {
    const std::string& project_id = situation.project.id;
    const Result<ProcessList> list = list_of(situation);
    const std::vector<ObservedInstance> there = std::move(observed[project_id]);
    observed.erase(project_id);
    if (!list) {
      mark(project_id, std::unexpected(list.error()));
      continue;
    }
    const ProjectPlan plan = plan_project(desired_of(situation, *list), there);
    watch_liveness(situation, *list);
    // Somebody acted while we looked: what we saw may be of before.
    const auto taken = turns_.find(project_id);
    const bool touched =
        taken != turns_.end() && (taken->second->busy() || taken->second->epoch() != epochs[project_id]);
    // At first a look of before is better than none; later it could bring back the routes of a Project just deleted.
    const bool first_look = !routes_.is_complete() && !routes_.has(project_id);
    if (!situation.project.deleting && (!touched || first_look)) routes_.set(project_id, routes_of(situation, plan));
    const bool work = situation.project.deleting || !plan.start.empty() || !plan.remove.empty();
    if (work && !touched) spawn_repair(project_id);
    if (!work && situation.live) compared_.insert(project_id);
  }
  std::set<std::string> known;
  for (const Situation& situation : situations) known.insert(situation.project.id);
  forget_all_but(known);
  routes_.complete();
  CO_TRY(co_await routes_.publish());
  // With a database that was restored an ingress may still lead visitors to what is no Project's any more: only now
  // does none, and another Project may get its network.
  for (const auto& [orphan, instances] : observed)
    if (!orphan.empty() && !busy(orphan)) tasks_.spawn("orphan", remove_orphan(orphan));
  co_return Status{};
}

// What is known of Projects that are gone, and all turns and news that nobody holds on to: of 10,000 Projects hardly
// one is being worked on.
void DeploymentController::forget_all_but(const std::set<std::string>& known) {
  std::erase_if(turns_, [](const auto& entry) { return entry.second.use_count() == 1 && !entry.second->busy(); });
  std::erase_if(news_, [](const auto& entry) { return entry.second.use_count() == 1; });
  std::erase_if(compared_, [&](const std::string& project_id) { return !known.contains(project_id); });
  std::erase_if(crashes_, [&](const auto& entry) { return !known.contains(entry.first); });
  std::erase_if(watched_, [&](const auto& entry) { return !known.contains(entry.first); });
  std::erase_if(again_, [&](const auto& entry) { return !known.contains(entry.first) && !entry.second.waits; });
  std::erase_if(problems_, [&](const auto& entry) { return !known.contains(entry.first); });
  std::erase_if(missed_, [&](const std::string& project_id) { return !known.contains(project_id); });
}

net::Task<void> DeploymentController::watch_engine() {
  while (true) {
    compare_soon_ = true;  // whatever happened while nobody watched
    ending_.clear();
    const OnEvent on_event = [this](const engine::InstanceEvent& event) { on_engine_event(event); };
    [[maybe_unused]] const Status lost = co_await ports_.engine.watch(on_event);
    const Status slept = co_await net::sleep_for(kEngineRetry);
    if (!slept) co_return;  // being stopped
  }
}

}  // namespace paastech::controller
