#include "controller/deployment_controller.h"

#include <boost/json.hpp>

#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

DeploymentController::DeploymentController(net::TaskGroup& tasks, Ports ports, ControllerOptions options)
    : tasks_(tasks),
      ports_(std::move(ports)),
      options_(options),
      routes_(tasks.executor(), ports_),
      places_(tasks.executor(), options.builds, options.builds_per_client) {}

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

// Inserts the row with its environment, and cancels what is still queued of its kind: the newer one wins. A push never
// takes the place of a change of configuration, nor the other way round: if it failed, the other would be lost.
Result<std::vector<std::int64_t>> DeploymentController::insert_queued(store::Tx& tx, store::DeploymentRow& row) {
  TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, row.project_id));
  if (project.deleting) return fail(Code::kFailedPrecondition, "project " + project.name + " is being deleted");
  TRY_ASSIGN(std::vector<store::DeploymentRow> queued, store::deployments_in(tx, {DeploymentState::kQueued}));
  std::vector<std::int64_t> overtaken;
  for (store::DeploymentRow& other : queued) {
    const bool same_kind = (other.cause == DeploymentCause::kPush) == (row.cause == DeploymentCause::kPush);
    if (other.project_id != row.project_id || !same_kind) continue;
    other.state = DeploymentState::kCancelled;
    other.reason = "overtaken";
    other.message = "a newer deployment took its place before it began";
    other.finished_at = row.created_at;
    TRY(store::update_deployment(tx, other));
    overtaken.push_back(other.number);
  }
  TRY(store::insert_deployment(tx, row));
  TRY_ASSIGN(row.environment, snapshot(tx, ports_.secrets, row.project_id, row.number));
  TRY(store::update_deployment(tx, row));
  return overtaken;
}

net::Task<Result<store::DeploymentRow>> DeploymentController::enqueue(store::DeploymentRow row) {
  row.created_at = ports_.clock.now_ms();
  auto insert = [this, row](store::Tx& tx) -> Result<std::pair<store::DeploymentRow, std::vector<std::int64_t>>> {
    store::DeploymentRow inserted = row;
    TRY_ASSIGN(std::vector<std::int64_t> overtaken, insert_queued(tx, inserted));
    return std::pair(inserted, overtaken);
  };
  CO_TRY_ASSIGN(auto inserted, co_await ports_.database.write(std::move(insert)));
  auto& [stored, overtaken] = inserted;
  for (const std::int64_t number : overtaken) {
    const auto found = rollouts_.find({stored.project_id, number});
    if (found == rollouts_.end()) continue;
    found->second->feed->add("A newer deployment took this one's place before it began.");
    found->second->feed->end();
  }
  auto rollout = std::make_shared<Rollout>();
  rollout->row = stored;
  rollout->feed = std::make_shared<Feed>(tasks_.executor(), ports_.log, stored.project_id, stored.number);
  rollouts_[{stored.project_id, stored.number}] = rollout;
  if (turn(stored.project_id)->busy())
    rollout->feed->add("Another deployment of this project is under way; this one follows it.");
  tasks_.spawn("rollout", run_rollout(rollout));
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
  auto find = [project_id, number](store::Tx& tx) { return store::find_deployment(tx, project_id, number); };
  CO_TRY_ASSIGN(store::DeploymentRow row, co_await ports_.database.read(std::move(find)));
  const auto found = rollouts_.find({project_id, number});
  if (!is_running(row.state) || found == rollouts_.end())
    co_return fail(
        Code::kAborted,
        "deployment " + std::to_string(number) + " has ended already (" + std::string(to_text(row.state)) + ")",
        "only a queued or running deployment can be cancelled");
  RolloutPtr rollout = found->second;
  rollout->cancelled = true;
  if (rollout->stop) rollout->stop();
  if (row.state == DeploymentState::kQueued) {
    row.state = DeploymentState::kCancelled;
    row.reason = "cancelled";
    row.message = "cancelled by a person";
    row.finished_at = ports_.clock.now_ms();
    auto store_it = [row](store::Tx& tx) { return store::update_deployment(tx, row); };
    Status stored = co_await ports_.database.write(std::move(store_it));
    if (stored) {
      rollout->feed->add("Cancelled.");
      rollout->feed->end();
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
  std::unique_ptr<Follower> kept = std::make_unique<EndedFollower>(ports_.log.read(project_id, number));
  co_return kept;
}

net::Task<Status> DeploymentController::stop_application(std::string project_id) {
  // In its turn: a rollout that is on its way clears the mark when it becomes live, and `stop` came after it.
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

net::Task<Status> DeploymentController::create_project(store::ProjectRow project) {
  auto insert = [project](store::Tx& tx) { return store::insert_project(tx, project); };
  CO_TRY(co_await ports_.database.write(std::move(insert)));
  repos::CreateRequest request;
  request.set_project_id(project.id);
  request.set_default_branch("main");
  auto created = co_await rpc::call<repos::CreateReply>(ports_.repositories.async(),
                                                        &repos::Repositories::Stub::async::Create, request, 30s);
  if (!created) {
    auto undo = [project](store::Tx& tx) { return store::delete_project(tx, project.id); };
    Status undone = co_await ports_.database.write(std::move(undo));
    if (!undone) spdlog::error("taking back project {}: {}", project.name, undone.error().message);
    co_return std::unexpected(created.error());
  }
  // Its hosts answer 503 from now on instead of 404; nobody waits for that.
  routes_.set(project.id, ProjectRoutes{project.name, {}});
  tasks_.spawn("publish", publish_quietly());
  co_return Status{};
}

}  // namespace paastech::controller
