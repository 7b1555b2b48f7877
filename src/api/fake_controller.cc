#include "api/fake_controller.h"

#include "store/deployments.h"
#include "store/usage.h"

namespace paastech::api {

namespace {
constexpr std::int64_t kCreatedAt = 1'800'000'000'000;
}  // namespace

net::Task<std::vector<std::string>> ListFollower::next() {
  if (at_ == batches_.size()) co_return std::vector<std::string>();
  co_return batches_[at_++];
}

net::Task<Result<store::DeploymentRow>> FakeController::deploy_commit(std::string project_id, std::string actor_id,
                                                                      std::string commit) {
  asked.push_back("deploy " + commit);
  store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kPush);
  row.commit = commit;
  Result<store::DeploymentRow> stored = co_await insert(row);
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> FakeController::redeploy(std::string project_id, std::string actor_id,
                                                                 DeploymentCause cause) {
  while (held) co_await gate.wait(std::chrono::hours(1));
  auto find = [project_id](store::Tx& tx) { return store::live_deployment(tx, project_id); };
  CO_TRY_ASSIGN(std::optional<store::DeploymentRow> live, co_await database_.read(std::move(find)));
  if (!live) co_return fail(Code::kFailedPrecondition, "this project has no live deployment yet");
  asked.push_back("redeploy " + std::string(to_text(cause)));
  const store::DeploymentRow row = row_of(project_id, actor_id, cause);
  Result<store::DeploymentRow> stored = co_await insert(row);
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> FakeController::deploy_image(std::string project_id, std::string actor_id,
                                                                     std::string reference) {
  asked.push_back("deploy image " + reference);
  store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kImage);
  row.image = reference;
  Result<store::DeploymentRow> stored = co_await insert(row);
  co_return stored;
}

net::Task<Result<controller::Changed>> FakeController::change(std::string project_id, std::string actor_id,
                                                              DeploymentCause cause, controller::Change change) {
  store::DeploymentRow row = row_of(project_id, actor_id, cause);
  row.created_at = kCreatedAt;
  auto work = [row, change, refuses = refuses](store::Tx& tx) -> Result<controller::Changed> {
    controller::Changed out;
    TRY_ASSIGN(const bool wanted, change(tx));
    TRY_ASSIGN(const std::optional<store::DeploymentRow> live, store::live_deployment(tx, row.project_id));
    if (!wanted) return out;
    out.admitted = live ? refuses : fail(Code::kFailedPrecondition, "this project has no live deployment yet");
    if (!out.admitted) return out;
    out.deployment = row;
    TRY(store::insert_deployment(tx, *out.deployment));
    return out;
  };
  Result<controller::Changed> changed = co_await database_.write(std::move(work));
  if (changed && changed->deployment) asked.push_back("redeploy " + std::string(to_text(cause)));
  co_return changed;
}

net::Task<Result<store::DeploymentRow>> FakeController::roll_back(std::string project_id, std::string actor_id,
                                                                  std::int64_t number) {
  asked.push_back("roll back " + std::to_string(number));
  store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kRollback);
  row.origin = number;
  Result<store::DeploymentRow> stored = co_await insert(row);
  co_return stored;
}

net::Task<Status> FakeController::cancel(std::string project_id, std::int64_t number) {
  asked.push_back("cancel " + std::to_string(number));
  auto change = [project_id, number](store::Tx& tx) -> Status {
    TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, project_id, number));
    row.state = DeploymentState::kCancelled;
    row.finished_at = row.created_at + 5;
    return store::update_deployment(tx, row);
  };
  Status done = co_await database_.write(std::move(change));
  co_return done;
}

net::Task<Status> FakeController::stop_application(std::string project_id) {
  Status done = co_await set_stopped(project_id, true);
  co_return done;
}

net::Task<Result<store::DeploymentRow>> FakeController::start_application(std::string project_id,
                                                                          std::string actor_id) {
  CO_TRY(co_await set_stopped(project_id, false));
  const store::DeploymentRow row = row_of(project_id, actor_id, DeploymentCause::kRestart);
  Result<store::DeploymentRow> stored = co_await insert(row);
  co_return stored;
}

net::Task<Result<store::DeploymentRow>> FakeController::wait(std::string project_id, std::int64_t number) {
  while (held) co_await gate.wait(std::chrono::hours(1));
  const DeploymentState end = ends_as;
  auto change = [project_id, number, end](store::Tx& tx) -> Result<store::DeploymentRow> {
    TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, project_id, number));
    if (!is_running(row.state)) return row;
    if (end == DeploymentState::kLive) {
      row.state = DeploymentState::kStarting;
      TRY(store::update_deployment(tx, row));
    } else {
      row.reason = "exited";
      row.message = "the Instance exited";
    }
    row.state = end;
    row.finished_at = row.created_at + 5;
    TRY(store::update_deployment(tx, row));
    return row;
  };
  Result<store::DeploymentRow> row = co_await database_.write(std::move(change));
  co_return row;
}

net::Task<Result<std::unique_ptr<controller::Follower>>> FakeController::follow(std::string, std::int64_t) {
  std::unique_ptr<controller::Follower> follower = std::make_unique<ListFollower>(lines);
  co_return follower;
}

net::Task<Status> FakeController::create_project(store::ProjectRow project) {
  asked.push_back("create " + project.name);
  auto insert_it = [project](store::Tx& tx) -> Status {
    TRY(store::admit_project(tx, project.owner_id));
    return store::insert_project(tx, project);
  };
  Status done = co_await database_.write(std::move(insert_it));
  co_return done;
}

net::Task<Result<controller::Removal>> FakeController::delete_project(std::string project_id) {
  asked.push_back("delete");
  auto remove = [project_id](store::Tx& tx) { return store::delete_project(tx, project_id); };
  CO_TRY(co_await database_.write(std::move(remove)));
  controller::Removal removal;
  removal.containers = 2;
  removal.leftovers.push_back({"image", "sha256:1", "in use"});
  co_return removal;
}

net::Task<Status> FakeController::follow_suspension(std::string client_id) {
  asked.push_back("follow " + client_id);
  co_return Status{};
}

net::Task<Result<std::int64_t>> FakeController::repository_bytes(std::vector<std::string> project_ids) {
  if (bytes_of_each < 0) co_return fail(Code::kUnavailable, "the git role does not answer");
  co_return static_cast<std::int64_t>(project_ids.size()) * bytes_of_each;
}

store::DeploymentRow FakeController::row_of(const std::string& project_id, const std::string& actor_id,
                                            DeploymentCause cause) {
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.cause = cause;
  return row;
}

net::Task<Result<store::DeploymentRow>> FakeController::insert(store::DeploymentRow row) {
  row.created_at = kCreatedAt;
  auto work = [row](store::Tx& tx) -> Result<store::DeploymentRow> {
    store::DeploymentRow stored = row;
    TRY(store::insert_deployment(tx, stored));
    return stored;
  };
  Result<store::DeploymentRow> stored = co_await database_.write(std::move(work));
  if (after_entering) after_entering();
  co_return stored;
}

net::Task<Status> FakeController::set_stopped(std::string project_id, bool stopped) {
  asked.push_back(stopped ? "stop" : "start");
  auto mark = [project_id, stopped](store::Tx& tx) { return store::set_stopped(tx, project_id, stopped); };
  Status done = co_await database_.write(std::move(mark));
  co_return done;
}

}  // namespace paastech::api
