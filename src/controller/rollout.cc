// One Deployment from queued to live, failed or cancelled. Every step is named by the Deployment's number and can be
// repeated, so that a process that takes over finds either the step done or does it again.
#include <boost/json.hpp>

#include "build/manifest.h"
#include "controller/deployment_controller.h"
#include "domain/quota.h"
#include "rpc/client.h"
#include "store/clients.h"

namespace paastech::controller {

using namespace std::chrono_literals;

net::Task<Status> DeploymentController::move_to(RolloutPtr rollout, DeploymentState state) {
  store::DeploymentRow next = rollout->row;
  next.state = state;
  if (!is_running(state)) next.finished_at = ports_.clock.now_ms();
  auto save = [next](store::Tx& tx) { return store::update_deployment(tx, next); };
  CO_TRY(co_await ports_.database.write_at_last(std::move(save)));
  rollout->row = next;
  news(next.project_id)->notify();
  co_return Status{};
}

net::Task<void> DeploymentController::run_rollout(RolloutPtr rollout) {
  const std::string project_id = rollout->row.project_id;
  const std::int64_t number = rollout->row.number;
  std::shared_ptr<Turn> mine = turn(project_id);
  const std::shared_ptr<const bool> ended(rollout, &rollout->ended);
  const bool my_turn = co_await mine->take(ended);
  if (!my_turn) {
    rollouts_.erase({project_id, number});
    co_return;
  }
  TurnHolder holder(mine);
  struct Loaded {
    store::ProjectRow project;
    store::DeploymentRow row;
    bool owner_suspended = false;
  };
  auto load = [project_id, number](store::Tx& tx) -> Result<Loaded> {
    TRY_ASSIGN(store::ProjectRow project, store::find_project(tx, project_id));
    TRY_ASSIGN(store::DeploymentRow row, store::find_deployment(tx, project_id, number));
    TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project.owner_id));
    return Loaded{std::move(project), std::move(row), owner.suspended_at != 0};
  };
  Result<Loaded> loaded = co_await ports_.database.read_at_last(std::move(load));
  if (loaded && is_running(loaded->row.state)) {
    rollout->project = loaded->project;
    rollout->row = loaded->row;
    rollout->owner_suspended = loaded->owner_suspended;
    rollout->started_ms = ports_.clock.now_ms();
    Status done = fail(Code::kInternal, "the deployment ended without a reason");
    try {
      done = co_await roll_out(rollout);
    } catch (const std::exception& e) {
      done = fail(Code::kInternal, std::string("internal error: ") + e.what());
    }
    if (!done) {
      Error error = done.error();
      co_await give_up(rollout, std::move(error));
    }
  }
  rollout->feed->end();
  rollouts_.erase({project_id, number});
  news(project_id)->notify();
}

void copy_image(const store::DeploymentRow& from, store::DeploymentRow& to) {
  to.commit = from.commit;
  to.commit_subject = from.commit_subject;
  to.image = from.image;
  to.port = from.port;
  to.processes = from.processes;
}

// A push may have become live since this Deployment was queued.
net::Task<Status> DeploymentController::take_live_image(RolloutPtr rollout) {
  const std::string project_id = rollout->row.project_id;
  auto find = [project_id](store::Tx& tx) { return store::live_deployment(tx, project_id); };
  CO_TRY_ASSIGN(std::optional<store::DeploymentRow> live, co_await ports_.database.read_at_last(std::move(find)));
  if (!live)
    co_return fail(Code::kFailedPrecondition,
                   "the deployment before this one did not become live, so there is nothing to run",
                   "deploy it first: git push paastech main");
  copy_image(*live, rollout->row);
  co_return Status{};
}

namespace {

Status still_wanted(const RolloutPtr& rollout) {
  if (rollout->cancelled.empty()) return {};
  return fail(Code::kCancelled, rollout->cancelled);
}

}  // namespace

net::Task<Status> DeploymentController::roll_out(RolloutPtr rollout) {
  if (rollout->project.deleting) rollout->cancel("the project was deleted meanwhile");
  if (rollout->owner_suspended) rollout->cancel(std::string(kOwnerSuspended));
  // A change of configuration alone does not start what was stopped; its values are stored.
  if (rollout->row.cause == DeploymentCause::kConfig && rollout->project.stopped)
    rollout->cancel("the Application is stopped; `paastech start` brings the change into service");
  CO_TRY(still_wanted(rollout));
  if (rollout->row.cause == DeploymentCause::kPush) {
    CO_TRY(co_await move_to(rollout, DeploymentState::kBuilding));
    CO_TRY(co_await build(rollout));
  } else {
    CO_TRY(co_await take_live_image(rollout));
  }
  CO_TRY(still_wanted(rollout));
  if (rollout->row.state != DeploymentState::kStarting) {
    CO_TRY(co_await move_to(rollout, DeploymentState::kStarting));
  }
  CO_TRY_ASSIGN(engine::GroupReady ready, co_await start_group(rollout));
  CO_TRY(still_wanted(rollout));
  CO_TRY(co_await cut_over(rollout, std::move(ready)));
  rollout->feed->add(fmt::format("==> Live: {} ({:.1f} s)", application_url(rollout->project.name, ports_.address),
                                 static_cast<double>(ports_.clock.now_ms() - rollout->started_ms) / 1000.0));
  co_return Status{};
}

Result<engine::InstanceGroup> DeploymentController::group_of(const store::ProjectRow& project,
                                                             const store::DeploymentRow& row) const {
  TRY_ASSIGN(auto processes, build::processes_from_json(row.processes));
  const Process web = processes["web"];
  engine::InstanceGroup group;
  group.set_project(project.id);
  group.set_project_name(project.name);
  group.set_deployment(row.number);
  group.set_process("web");
  group.set_count(1);
  group.set_image(row.image);
  group.set_port(row.port);
  group.mutable_limits()->set_memory_bytes(kInstanceMemoryBytes);
  group.mutable_limits()->set_milli_cpus(kInstanceMilliCpus);
  for (const std::string& word : web.command) group.add_command(word);
  group.mutable_probe()->set_http_path(web.health);
  group.mutable_probe()->set_timeout_seconds(web.ready_timeout_s);
  TRY_ASSIGN(std::string plain,
             ports_.secrets.open(row.environment, "deployment/" + project.id + "/" + std::to_string(row.number)));
  auto add = [&group](std::string_view name, std::string_view value) {
    engine::EnvironmentVariable& variable = *group.add_environment();
    variable.set_name(std::string(name));
    variable.set_value(std::string(value));
  };
  // A Client may name another PORT for its program's own use only through paastech.yaml: the platform's value wins.
  const boost::json::value parsed = boost::json::parse(plain);
  for (const auto& [name, value] : parsed.as_object())
    if (name != "PORT") add(name, value.as_string());
  add("PORT", std::to_string(row.port));
  add("PAASTECH_PROJECT", project.name);
  add("PAASTECH_DEPLOYMENT", std::to_string(row.number));
  if (!row.commit.empty()) add("PAASTECH_COMMIT", row.commit);
  return group;
}

net::Task<Result<engine::GroupReady>> DeploymentController::start_group(RolloutPtr rollout) {
  CO_TRY_ASSIGN(engine::InstanceGroup group, group_of(rollout->project, rollout->row));
  rollout->feed->add(fmt::format("==> Starting web on port {}", rollout->row.port));
  rpc::ReadStream<engine::GroupEvent> events(ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::EnsureGroup,
                                             group);
  const Stoppable stoppable(rollout, [&events] { events.cancel(); });
  Result<engine::GroupReady> outcome = fail(Code::kInternal, "the engine ended the start without a result");
  while (true) {
    Result<std::optional<engine::GroupEvent>> event = co_await events.next();
    if (!event) outcome = std::unexpected(event.error());
    if (!event || !*event) break;
    engine::GroupEvent& got = **event;
    if (got.has_ready()) {
      outcome = got.ready();
    } else if (got.has_failed()) {
      const engine::GroupFailed& failed = got.failed();
      rollout->row.reason = failed.reason();
      if (failed.last_lines_size() > 0) rollout->feed->add("    Its last lines:");
      for (const std::string& line : failed.last_lines()) rollout->feed->add("    | " + line);
      outcome = fail(Code::kFailedPrecondition, failed.message());
    } else {
      rollout->feed->add("    " + got.progress());
    }
  }
  co_return outcome;
}

// Publish, acknowledge, commit; then drain and stop the old, which the Client need not wait for.
net::Task<Status> DeploymentController::cut_over(RolloutPtr rollout, engine::GroupReady ready) {
  const std::string project_id = rollout->row.project_id;
  CO_TRY(co_await routes_.wait_complete());  // after a restart: what serves is not known before
  const std::vector<router::Backend> old = routes_.backends(project_id);
  ProjectRoutes fresh{rollout->project.name, {}};
  for (const engine::Instance& instance : ready.instances()) {
    fresh.backends.push_back(backend_of(instance.address(), instance.port(), rollout->row.number));
  }
  routes_.set(project_id, fresh);
  Status published = co_await routes_.publish();
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
  news(project_id)->notify();
  for (const router::Backend& backend : old) retiring_.insert({project_id, backend.deployment()});
  tasks_.spawn("retire", remove_old_groups(project_id, rollout->row.number, old));
  co_return Status{};
}

// Ends a Deployment that did not come to be. What serves goes on serving.
net::Task<void> DeploymentController::give_up(RolloutPtr rollout, Error error) {
  engine::RemoveGroupRequest request;
  request.set_project(rollout->row.project_id);
  request.set_deployment(rollout->row.number);
  request.set_grace_seconds(1);
  auto removed = co_await rpc::call<engine::RemoveGroupReply>(
      ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveGroup, request, 60s);
  if (!removed) spdlog::warn("removing what failed: {}", removed.error().message);
  const bool cancelled = !rollout->cancelled.empty();
  store::DeploymentRow& row = rollout->row;
  if (row.reason.empty()) row.reason = "error";
  if (cancelled) row.reason = "cancelled";
  row.message = cancelled ? rollout->cancelled : error.message;
  Status moved = co_await move_to(rollout, cancelled ? DeploymentState::kCancelled : DeploymentState::kFailed);
  // Images of failures would fill the disk of a Project that never goes live.
  if (moved && row.cause == DeploymentCause::kPush) tasks_.spawn("tidy", remove_old_images(row.project_id));
  // Ended in the queue at the very moment at which it began: its row says why, and the Client was told.
  if (rollout->ended || (!moved && moved.error().code == Code::kAborted)) co_return;
  if (!moved) spdlog::error("deployment {} of {}: {}", row.number, row.project_id, moved.error().message);
  rollout->feed->add(cancelled ? "==> Cancelled: " + rollout->cancelled : "==> Failed: " + error.message);
  if (!error.hint.empty() && !cancelled) rollout->feed->add("    " + error.hint);
}

}  // namespace paastech::controller
