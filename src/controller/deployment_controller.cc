#include "controller/deployment_controller.h"

#include <boost/json.hpp>

#include "rpc/client.h"
#include "store/clients.h"
#include "store/usage.h"

namespace paastech::controller {

using namespace std::chrono_literals;

DeploymentController::DeploymentController(net::TaskGroup& tasks, Ports ports, ControllerOptions options)
    : tasks_(tasks),
      ports_(std::move(ports)),
      options_(options),
      routes_(tasks.executor(), ports_),
      places_(tasks.executor(), options.builds, options.builds_per_client),
      entry_(std::make_shared<Turn>(tasks.executor())),
      took_up_(tasks.executor()) {}

void DeploymentController::start() { tasks_.spawn("controller", take_up()); }

std::shared_ptr<Turn> DeploymentController::turn(const std::string& project_id) {
  auto& slot = turns_[project_id];
  if (!slot) slot = std::make_shared<Turn>(tasks_.executor());
  return slot;
}

std::shared_ptr<net::Notifier> DeploymentController::news(const std::string& project_id) {
  auto& slot = news_[project_id];
  if (!slot) slot = std::make_shared<net::Notifier>(tasks_.executor());
  return slot;
}

namespace {

constexpr std::string_view kOvertaken = "a newer deployment took its place before it began";
constexpr std::string_view kByAPerson = "cancelled by a person";

// The newer one of a kind wins. A push never takes the place of a change of configuration, nor the other way round: if
// it failed, the other would be lost. Nor does a change of configuration take that of a start: it would not start what
// is stopped.
bool takes_place_of(DeploymentCause newer, DeploymentCause queued) {
  if (newer == DeploymentCause::kPush || queued == DeploymentCause::kPush) return newer == queued;
  return newer != DeploymentCause::kConfig || queued == DeploymentCause::kConfig;
}

// The environment as it is now, sealed for this Deployment alone.
Result<std::string> snapshot(store::Tx& tx, const SecretBox& secrets, const std::string& project_id,
                             std::int64_t number) {
  TRY_ASSIGN(std::vector<store::EnvironmentRow> rows, store::list_environment(tx, project_id));
  boost::json::object plain;
  for (const store::EnvironmentRow& row : rows) {
    TRY_ASSIGN(std::string value, secrets.open(row.value, "environment/" + project_id + "/" + row.name));
    plain[row.name] = value;
  }
  return secrets.seal(boost::json::serialize(plain), "deployment/" + project_id + "/" + std::to_string(number));
}

}  // namespace

// Inserts the row with its environment, and cancels what is still queued that it does the work of.
Result<std::vector<std::int64_t>> DeploymentController::insert_queued(store::Tx& tx, store::DeploymentRow& row) {
  TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, row.project_id));
  if (project.deleting) return fail(Code::kFailedPrecondition, "project " + project.name + " is being deleted");
  TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project.owner_id));
  if (owner.suspended_at != 0)
    return fail(Code::kFailedPrecondition, "the account of the owner of project " + project.name + " is suspended",
                "ask the administrator of this Service");
  TRY(store::admit_deployment(tx, project));
  TRY_ASSIGN(std::vector<store::DeploymentRow> queued, store::queued_deployments(tx, row.project_id));
  std::vector<std::int64_t> overtaken;
  for (store::DeploymentRow& other : queued) {
    if (!takes_place_of(row.cause, other.cause)) continue;
    other.state = DeploymentState::kCancelled;
    other.reason = "overtaken";
    other.message = kOvertaken;
    other.finished_at = row.created_at;
    TRY(store::update_deployment(tx, other));
    overtaken.push_back(other.number);
  }
  TRY(store::insert_deployment(tx, row));
  TRY_ASSIGN(row.environment, snapshot(tx, ports_.secrets, row.project_id, row.number));
  TRY(store::set_snapshot(tx, row));
  return overtaken;
}

net::Task<void> DeploymentController::taken_up() {
  while (!taken_up_) co_await took_up_.wait(1h);
}

RolloutPtr DeploymentController::begin(const store::DeploymentRow& row) {
  auto rollout = std::make_shared<Rollout>();
  rollout->row = row;
  rollout->feed = std::make_shared<Feed>(tasks_.executor(), ports_.log, row.project_id, row.number);
  rollouts_[{row.project_id, row.number}] = rollout;
  tasks_.spawn("rollout", run_rollout(rollout));
  return rollout;
}

// Of a Deployment whose row was ended while it was queued: its place in the queue is given up.
void DeploymentController::end_early(const std::string& project_id, std::int64_t number, std::string why) {
  const auto found = rollouts_.find({project_id, number});
  if (found == rollouts_.end()) return;
  const RolloutPtr rollout = found->second;
  rollout->cancel(why);
  rollout->ended = true;
  rollout->feed->add("==> Cancelled: " + why);
  rollout->feed->end();
  turn(project_id)->look_again();
}

void DeploymentController::cancel_all(const std::string& project_id, const std::string& why) {
  for (auto& [key, rollout] : rollouts_)
    if (key.first == project_id) rollout->cancel(why);
}

net::Task<Result<store::DeploymentRow>> DeploymentController::enqueue(store::DeploymentRow row) {
  co_await taken_up();
  const store::Database::Deadline deadline = store::Database::deadline();  // waiting for the entry counts
  const std::shared_ptr<Turn> entry = entry_;
  co_await entry->take();
  TurnHolder holder(entry);
  row.created_at = ports_.clock.now_ms();
  auto insert = [this, row](store::Tx& tx) -> Result<std::pair<store::DeploymentRow, std::vector<std::int64_t>>> {
    store::DeploymentRow inserted = row;
    TRY_ASSIGN(std::vector<std::int64_t> overtaken, insert_queued(tx, inserted));
    return std::pair(inserted, overtaken);
  };
  CO_TRY_ASSIGN(auto inserted, co_await ports_.database.write(std::move(insert), deadline));
  auto& [stored, overtaken] = inserted;
  for (const std::int64_t number : overtaken) end_early(stored.project_id, number, std::string(kOvertaken));
  if (!overtaken.empty()) news(stored.project_id)->notify();
  const bool follows = turn(stored.project_id)->busy();
  const RolloutPtr rollout = begin(stored);
  if (follows) rollout->feed->add("Another deployment of this project is under way; this one follows it.");
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> DeploymentController::deploy_commit(std::string project_id,
                                                                            std::string actor_id, std::string commit) {
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.commit = commit;
  row.cause = DeploymentCause::kPush;
  Result<store::DeploymentRow> stored = co_await enqueue(std::move(row));
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> DeploymentController::redeploy(std::string project_id, std::string actor_id,
                                                                       DeploymentCause cause) {
  co_await taken_up();
  auto find = [project_id](store::Tx& tx) { return store::live_deployment(tx, project_id); };
  CO_TRY_ASSIGN(std::optional<store::DeploymentRow> live, co_await ports_.database.read(std::move(find)));
  const auto first = rollouts_.lower_bound({project_id, 0});
  const bool under_way = first != rollouts_.end() && first->first.first == project_id;
  if (!live && !under_way)
    co_return fail(Code::kFailedPrecondition, "this project has no live deployment yet",
                   "deploy it first: git push paastech main");
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.cause = cause;
  if (live) copy_image(*live, row);  // for people to see; what is live when its turn comes is what will run
  Result<store::DeploymentRow> stored = co_await enqueue(std::move(row));
  co_return stored;
}

net::Task<Status> DeploymentController::cancel(std::string project_id, std::int64_t number) {
  co_await taken_up();
  auto find = [project_id, number](store::Tx& tx) { return store::find_deployment(tx, project_id, number); };
  CO_TRY_ASSIGN(store::DeploymentRow row, co_await ports_.database.read(std::move(find)));
  const auto found = rollouts_.find({project_id, number});
  if (!is_running(row.state) || found == rollouts_.end())
    co_return fail(
        Code::kAborted,
        "deployment " + std::to_string(number) + " has ended already (" + std::string(to_text(row.state)) + ")",
        "only a queued or running deployment can be cancelled");
  RolloutPtr rollout = found->second;
  rollout->cancel(std::string(kByAPerson));
  if (row.state == DeploymentState::kQueued) {
    row.state = DeploymentState::kCancelled;
    row.reason = "cancelled";
    row.message = kByAPerson;
    row.finished_at = ports_.clock.now_ms();
    // Only where it still waits: one that has begun meanwhile ends by itself.
    auto store_it = [row](store::Tx& tx) -> Result<bool> {
      TRY_ASSIGN(const store::DeploymentRow now, store::find_deployment(tx, row.project_id, row.number));
      if (now.state != DeploymentState::kQueued) return false;
      TRY(store::update_deployment(tx, row));
      return true;
    };
    CO_TRY_ASSIGN(const bool ended, co_await ports_.database.write(std::move(store_it)));
    if (ended) {
      end_early(project_id, number, std::string(kByAPerson));
      news(project_id)->notify();
      co_return Status{};
    }
  }
  CO_TRY_ASSIGN(store::DeploymentRow ended, co_await wait(project_id, number));
  if (ended.state != DeploymentState::kCancelled)
    co_return fail(Code::kAborted, "deployment " + std::to_string(number) + " ended before it could be cancelled (" +
                                       std::string(to_text(ended.state)) + ")");
  co_return Status{};
}

net::Task<Result<store::DeploymentRow>> DeploymentController::wait(std::string project_id, std::int64_t number) {
  std::shared_ptr<net::Notifier> changed = news(project_id);
  while (true) {
    auto find = [project_id, number](store::Tx& tx) { return store::find_deployment(tx, project_id, number); };
    CO_TRY_ASSIGN(store::DeploymentRow row, co_await ports_.database.read(std::move(find)));
    if (!is_running(row.state)) co_return row;
    co_await changed->wait(1s);  // a row may also change between the read and here
  }
}

net::Task<Result<std::unique_ptr<Follower>>> DeploymentController::follow(std::string project_id, std::int64_t number) {
  const auto running = rollouts_.find({project_id, number});
  if (running != rollouts_.end()) {
    std::unique_ptr<Follower> live = std::make_unique<FeedFollower>(running->second->feed);
    co_return live;
  }
  auto find = [project_id, number](store::Tx& tx) { return store::find_deployment(tx, project_id, number); };
  CO_TRY_ASSIGN([[maybe_unused]] store::DeploymentRow row, co_await ports_.database.read(std::move(find)));
  std::unique_ptr<Follower> kept = std::make_unique<EndedFollower>(ports_.database, ports_.log, project_id, number);
  co_return kept;
}

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
  repos::CreateRequest request;
  request.set_project_id(project.id);
  request.set_default_branch("main");
  CO_TRY(co_await rpc::call<repos::CreateReply>(ports_.repositories.async(), &repos::Repositories::Stub::async::Create,
                                                request, 30s));
  auto insert = [project](store::Tx& tx) -> Status {
    TRY(store::admit_project(tx, project.owner_id));  // once more: another one may have come in between
    return store::insert_project(tx, project);
  };
  Status inserted = co_await ports_.database.write(std::move(insert));
  if (!inserted) {
    repos::RemoveRequest undo;
    undo.set_project_id(project.id);
    auto undone = co_await rpc::call<repos::RemoveReply>(ports_.repositories.async(),
                                                         &repos::Repositories::Stub::async::Remove, undo, 30s);
    if (!undone) spdlog::warn("taking back the repository {}: {}", project.id, undone.error().message);
    co_return inserted;
  }
  // Its hosts answer 503 from now on instead of 404; nobody waits for that.
  routes_.set(project.id, ProjectRoutes{project.name, {}});
  tasks_.spawn("publish", publish_quietly());
  co_return Status{};
}

}  // namespace paastech::controller
