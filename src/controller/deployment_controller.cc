#include "controller/deployment_controller.h"

#include <boost/json.hpp>

#include "base/failpoint.h"
#include "controller/groups.h"
#include "store/clients.h"
#include "store/usage.h"

namespace paastech::controller {

using namespace std::chrono_literals;

DeploymentController::DeploymentController(net::TaskGroup& tasks, Ports ports, ControllerOptions options)
    : tasks_(tasks),
      ports_(std::move(ports)),
      options_(options),
      routes_(tasks, ports_),
      places_(tasks.executor(), options.builds, options.builds_per_client),
      crash_news_(tasks.executor()),
      entry_(std::make_shared<Turn>(tasks.executor())),
      took_up_(tasks.executor()) {}

void DeploymentController::start() { tasks_.spawn("controller", take_up()); }

std::shared_ptr<Turn> DeploymentController::turn(const std::string& project_id) {
  auto& slot = turns_[project_id];
  if (!slot) slot = std::make_shared<Turn>(tasks_.executor());
  return slot;
}

bool DeploymentController::busy(const std::string& project_id) const {
  const auto found = turns_.find(project_id);
  return found != turns_.end() && found->second->busy();
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
// it failed, the other would be lost. Nor does a change of configuration or scale take that of a start: it would not
// start what is stopped. What names its own image is taken by nothing but its like.
bool takes_place_of(DeploymentCause newer, DeploymentCause queued) {
  const auto brings_image = [](DeploymentCause cause) {
    return cause == DeploymentCause::kPush || cause == DeploymentCause::kImage || cause == DeploymentCause::kRollback;
  };
  if (brings_image(newer) || brings_image(queued)) return newer == queued;
  if (newer == DeploymentCause::kRestart) return true;
  return newer == queued;
}

// The environment as it is now.
Result<std::string> present_environment(store::Tx& tx, const SecretBox& secrets, const std::string& project_id) {
  TRY_ASSIGN(std::vector<store::EnvironmentRow> rows, store::list_environment(tx, project_id));
  boost::json::object plain;
  for (const store::EnvironmentRow& row : rows) {
    TRY_ASSIGN(std::string value, secrets.open(row.value, store::environment_context(project_id, row.name)));
    plain[row.name] = value;
  }
  return boost::json::serialize(plain);
}

// What a Deployment runs with, sealed for it alone. A change of scale keeps what runs, a rollback takes what ran.
Result<std::string> snapshot(store::Tx& tx, const SecretBox& secrets, const store::DeploymentRow& row) {
  std::optional<store::DeploymentRow> source;
  if (row.cause == DeploymentCause::kScale) {
    TRY_ASSIGN(source, store::live_deployment(tx, row.project_id));
  } else if (row.cause == DeploymentCause::kRollback) {
    TRY_ASSIGN(source, store::find_deployment(tx, row.project_id, row.origin));
  }
  Result<std::string> plain =
      source ? open_environment(secrets, *source) : present_environment(tx, secrets, row.project_id);
  if (!plain) return plain;
  return seal_environment(secrets, *plain, row.project_id, row.number);
}

// What is live, for those that run it again; people see it in the row, and what is live when its turn comes is what
// will run.
Status take_what_is_live(store::Tx& tx, store::DeploymentRow& row) {
  using enum DeploymentState;
  if (row.cause != DeploymentCause::kConfig && row.cause != DeploymentCause::kRestart &&
      row.cause != DeploymentCause::kScale)
    return {};
  TRY_ASSIGN(const std::optional<store::DeploymentRow> live, store::live_deployment(tx, row.project_id));
  if (live) copy_image(*live, row);
  if (live) return {};
  TRY_ASSIGN(const std::vector<store::DeploymentRow> on_its_way,
             store::newest_in(tx, row.project_id, {kQueued, kBuilding, kReleasing, kStarting}, 1));
  if (!on_its_way.empty()) return {};
  return fail(Code::kFailedPrecondition, "this project has no live deployment yet",
              "deploy it first: git push paastech main");
}

// Whether a Deployment of the Project may be made now. Changes nothing but the row.
Status admit(store::Tx& tx, store::DeploymentRow& row) {
  TRY_ASSIGN(const store::ProjectRow project, store::find_project(tx, row.project_id));
  if (project.deleting) return fail(Code::kFailedPrecondition, "project " + project.name + " is being deleted");
  TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project.owner_id));
  if (owner.suspended_at != 0)
    return fail(Code::kFailedPrecondition, "the account of the owner of project " + project.name + " is suspended",
                "ask the administrator of this Service");
  TRY(take_what_is_live(tx, row));
  return store::admit_deployment(tx, project);
}

bool is_refusal(const Error& error) {
  return error.code == Code::kFailedPrecondition || error.code == Code::kPermissionDenied;
}

}  // namespace

// Inserts the row with its environment, and cancels what is still queued that it does the work of.
Result<std::vector<std::int64_t>> DeploymentController::insert_queued(store::Tx& tx, store::DeploymentRow& row) {
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
  TRY_ASSIGN(row.environment, snapshot(tx, ports_.secrets, row));
  TRY(store::set_snapshot(tx, row));
  return overtaken;
}

Result<DeploymentController::Entry> DeploymentController::store_entry(store::Tx& tx, store::DeploymentRow row,
                                                                      const Change& change) {
  Entry entry;
  TRY_ASSIGN(const bool wanted, change(tx));
  PAASTECH_FAILPOINT("entry.changed");
  if (!wanted) return entry;
  const Status admitted = admit(tx, row);
  if (!admitted && !is_refusal(admitted.error())) return std::unexpected(admitted.error());
  entry.changed.admitted = admitted;
  if (!admitted) return entry;
  TRY_ASSIGN(entry.overtaken, insert_queued(tx, row));
  entry.changed.deployment = std::move(row);
  return entry;
}

net::Task<void> DeploymentController::taken_up() {
  while (!taken_up_) co_await took_up_.wait(1h);
}

RolloutPtr DeploymentController::begin(const store::DeploymentRow& row) {
  auto rollout = std::make_shared<Rollout>();
  rollout->row = row;
  rollout->feed = std::make_shared<Feed>(tasks_.executor(), ports_.log, row.project_id, row.number, ports_.last_words);
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

bool DeploymentController::under_way(const std::string& project_id) const {
  const auto first = rollouts_.lower_bound({project_id, 0});
  return first != rollouts_.end() && first->first.first == project_id;
}

void DeploymentController::cancel_all(const std::string& project_id, const std::string& why) {
  for (auto& [key, rollout] : rollouts_)
    if (key.first == project_id) rollout->cancel(why);
}

net::Task<Result<Changed>> DeploymentController::enter(store::DeploymentRow row, Change change) {
  co_await taken_up();
  const store::Database::Deadline deadline = store::Database::deadline();  // waiting for the entry counts
  const std::shared_ptr<Turn> entry = entry_;
  co_await entry->take();
  TurnHolder holder(entry);
  row.created_at = ports_.clock.now_ms();
  auto work = [this, row, change](store::Tx& tx) { return store_entry(tx, row, change); };
  CO_TRY_ASSIGN(Entry entered, co_await ports_.database.write(std::move(work), deadline));
  if (!entered.changed.deployment) co_return std::move(entered.changed);
  PAASTECH_FAILPOINT("entry.queued");
  const store::DeploymentRow& stored = *entered.changed.deployment;
  for (const std::int64_t number : entered.overtaken) end_early(stored.project_id, number, std::string(kOvertaken));
  if (!entered.overtaken.empty()) news(stored.project_id)->notify();
  // A repair may wait for a crashed Instance to become ready: what is new comes first.
  const auto repair = repairing_.find(stored.project_id);
  if (repair != repairing_.end() && !turn(stored.project_id)->lent()) repair->second->ask();
  const bool follows = under_way(stored.project_id);
  const RolloutPtr rollout = begin(stored);
  if (follows) rollout->feed->add("Another deployment of this project is under way; this one follows it.");
  co_return std::move(entered.changed);
}

net::Task<Result<store::DeploymentRow>> DeploymentController::enqueue(store::DeploymentRow row) {
  const Change nothing = [](store::Tx&) -> Result<bool> { return true; };
  CO_TRY_ASSIGN(Changed changed, co_await enter(std::move(row), nothing));
  CO_TRY(changed.admitted);
  co_return std::move(*changed.deployment);
}

net::Task<Result<Changed>> DeploymentController::change(std::string project_id, std::string actor_id,
                                                        DeploymentCause cause, Change change) {
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.cause = cause;
  Result<Changed> changed = co_await enter(std::move(row), std::move(change));
  co_return changed;
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

// Until it is fetched, the row's image is its name at the registry.
net::Task<Result<store::DeploymentRow>> DeploymentController::deploy_image(std::string project_id, std::string actor_id,
                                                                           std::string reference) {
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.image = reference;
  row.commit_subject = "image " + reference;
  row.cause = DeploymentCause::kImage;
  Result<store::DeploymentRow> stored = co_await enqueue(std::move(row));
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> DeploymentController::redeploy(std::string project_id, std::string actor_id,
                                                                       DeploymentCause cause) {
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.cause = cause;
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

}  // namespace paastech::controller
