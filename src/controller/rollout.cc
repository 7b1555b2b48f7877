// One Deployment from queued to live, failed or cancelled. Every step is named by the Deployment's number and can be
// repeated, so that a process that takes over finds either the step done or does it again.
#include <exception>

#include "base/failpoint.h"
#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"
#include "store/clients.h"
#include "store/scales.h"
#include "store/usage.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kKeepTryingMs = 60'000;

}  // namespace

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
    rollout->started_ms = ports_.clock.steady_ms();
    Status done = fail(Code::kInternal, "the deployment ended without a reason");
    try {
      done = co_await roll_out_at_last(rollout);
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
  if (missed_.erase(project_id) > 0) spawn_repair(project_id);
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

struct Settled {
  store::DeploymentRow row;
  ProcessList list;
  std::optional<store::DeploymentRow> before;
  std::map<std::int64_t, store::DeploymentRow> adopted;
  bool brings_new = true;
  bool resizes = false;
};

// Decided by what both are, not by why they were made: a start may bring values that were set while it was stopped, and
// a restart those of a change that it took the place of.
Result<bool> brings_new(const SecretBox& secrets, const store::DeploymentRow& row,
                        const std::optional<store::DeploymentRow>& before) {
  if (!before || before->image != row.image) return true;
  TRY_ASSIGN(const bool same, same_environment(secrets, *before, row));
  return !same;
}

// What the Project's scale makes of the list, within the plan of its owner. A change of scale takes over the Instances
// of what is live now, and its environment with them.
Result<Settled> settle(store::Tx& tx, const SecretBox& secrets, const store::ProjectRow& project,
                       store::DeploymentRow row) {
  Settled out;
  TRY_ASSIGN(out.list, process_list_from_json(row.processes));
  for (auto& [name, process] : out.list.processes) process.group = 0;
  TRY_ASSIGN(const std::vector<Scale> scales, store::list_scales(tx, project.id));
  apply_scale(out.list, scales);
  TRY_ASSIGN(out.before, store::live_deployment(tx, project.id));
  if (row.cause == DeploymentCause::kScale && out.before && !project.stopped) {
    TRY_ASSIGN(const ProcessList before, process_list_from_json(out.before->processes));
    adopt_groups(out.list, before, out.before->number);
    out.resizes = replaces_instances(out.list, before);
  }
  for (const auto& [name, process] : out.list.processes) {
    if (process.group == 0 || out.adopted.contains(process.group)) continue;
    TRY_ASSIGN(out.adopted[process.group], store::find_deployment(tx, project.id, process.group));
  }
  TRY(store::admit_deployment(tx, project, out.list));
  row.processes = process_list_to_json(out.list);
  if (row.cause == DeploymentCause::kScale && out.before) {
    TRY_ASSIGN(const std::string plain, open_environment(secrets, *out.before));
    row.environment = seal_environment(secrets, plain, row.project_id, row.number);
    TRY(store::set_snapshot(tx, row));
  }
  if (out.list.release) {
    TRY_ASSIGN(out.brings_new, brings_new(secrets, row, out.before));
  }
  TRY(store::update_deployment(tx, row));
  out.row = std::move(row);
  return out;
}

}  // namespace

net::Task<Status> DeploymentController::settle_list(RolloutPtr rollout) {
  auto work = [this, project = rollout->project, row = rollout->row](store::Tx& tx) {
    return settle(tx, ports_.secrets, project, row);
  };
  Result<Settled> settled = co_await ports_.database.write_at_last(std::move(work));
  if (!settled) {
    if (settled.error().code == Code::kPermissionDenied) rollout->row.reason = "quota";
    co_return std::unexpected(settled.error());
  }
  rollout->row = std::move(settled->row);
  rollout->list = std::move(settled->list);
  rollout->before = std::move(settled->before);
  rollout->adopted = std::move(settled->adopted);
  rollout->brings_new = settled->brings_new;
  rollout->resizes = settled->resizes;
  co_return Status{};
}

// Where the Engine, the git role or the ingress is away for a moment, what was acknowledged is not given up: every step
// can be repeated. A push is told at once instead; who made it waits, and can push again.
net::Task<Status> DeploymentController::roll_out_at_last(RolloutPtr rollout) {
  std::optional<std::int64_t> away_since;
  while (true) {
    Status done = co_await roll_out(rollout);
    const bool away = !done && done.error().code == Code::kUnavailable;
    if (!away || rollout->row.cause == DeploymentCause::kPush || !rollout->still_wanted()) co_return done;
    const std::int64_t now = ports_.clock.steady_ms();
    if (!away_since) rollout->feed->add("==> " + done.error().message + "; trying again for a minute");
    away_since = away_since.value_or(now);
    if (now - *away_since >= kKeepTryingMs) co_return done;
    CO_TRY(co_await net::sleep_for(1s));
  }
}

// Builds or fetches it, which may take many minutes: what serves is repaired meanwhile.
net::Task<Status> DeploymentController::make_image(RolloutPtr rollout) {
  const std::string project_id = rollout->row.project_id;
  const std::shared_ptr<Turn> mine = turn(project_id);
  Status made = fail(Code::kInternal, "the image ended without a reason");
  std::exception_ptr broken;
  mine->lend();
  try {
    if (rollout->row.cause == DeploymentCause::kPush)
      made = co_await build(rollout);
    else
      made = co_await fetch_image(rollout);
  } catch (...) {
    broken = std::current_exception();
  }
  if (const auto repair = repairing_.find(project_id); repair != repairing_.end()) repair->second->ask();
  co_await mine->reclaim();
  if (broken) std::rethrow_exception(broken);
  co_return made;
}

net::Task<Status> DeploymentController::roll_out(RolloutPtr rollout) {
  const DeploymentCause cause = rollout->row.cause;
  if (rollout->project.deleting) rollout->cancel("the project was deleted meanwhile");
  if (rollout->owner_suspended) rollout->cancel(std::string(kOwnerSuspended));
  // A change of configuration alone does not start what was stopped; its values are stored.
  if ((cause == DeploymentCause::kConfig || cause == DeploymentCause::kScale) && rollout->project.stopped)
    rollout->cancel("the Application is stopped; `paastech start` brings the change into service");
  CO_TRY(rollout->still_wanted());
  if (cause == DeploymentCause::kPush) {
    CO_TRY(co_await move_to(rollout, DeploymentState::kBuilding));
    CO_TRY(co_await make_image(rollout));
  } else if (cause == DeploymentCause::kImage) {
    if (rollout->row.state == DeploymentState::kQueued) {
      CO_TRY(co_await move_to(rollout, DeploymentState::kBuilding));
    }
    CO_TRY(co_await make_image(rollout));
  } else if (cause != DeploymentCause::kRollback) {
    CO_TRY(co_await take_live_image(rollout));
  }
  CO_TRY(rollout->still_wanted());
  CO_TRY(co_await settle_list(rollout));
  CO_TRY(co_await release(rollout));
  CO_TRY(rollout->still_wanted());
  if (rollout->row.state != DeploymentState::kStarting) {
    CO_TRY(co_await move_to(rollout, DeploymentState::kStarting));
  }
  PAASTECH_FAILPOINT("rollout.starting");
  const bool something_runs = rollout->before && !rollout->project.stopped;
  const bool replaces = something_runs && (cause != DeploymentCause::kScale || rollout->resizes);
  const bool one_by_one = cause == DeploymentCause::kRestart || rollout->list.strategy == Strategy::kRolling;
  Status replaced;
  if (replaces && one_by_one) {
    replaced = co_await replace_one_by_one(rollout);
  } else if (replaces && rollout->list.strategy == Strategy::kRecreate) {
    replaced = co_await replace_after_the_end(rollout);
  } else {
    replaced = co_await replace_at_once(rollout);
  }
  CO_TRY(replaced);
  const double seconds = static_cast<double>(ports_.clock.steady_ms() - rollout->started_ms) / 1000.0;
  rollout->feed->add(
      fmt::format("==> Live: {} ({:.1f} s)", application_url(rollout->project.name, ports_.address), seconds));
  CO_TRY(co_await end_surplus(rollout));
  co_return Status{};
}

// Once, in the new image with the new environment, before any traffic; not where neither changed. A Service that was
// killed in the middle of one runs it again: the state `releasing` says no more than that it had begun.
net::Task<Status> DeploymentController::release(RolloutPtr rollout) {
  const bool over = rollout->row.state == DeploymentState::kStarting;
  if (!rollout->list.release || !rollout->brings_new || over) co_return Status{};
  if (rollout->row.state != DeploymentState::kReleasing) {
    CO_TRY(co_await move_to(rollout, DeploymentState::kReleasing));
  }
  PAASTECH_FAILPOINT("rollout.releasing");
  CO_TRY_ASSIGN(engine::RunOnceRequest run,
                release_run(ports_.secrets, rollout->project, rollout->row, *rollout->list.release));
  rollout->feed->add("==> Running the release command");
  const OnLine on_line = [feed = rollout->feed](const std::string& line) { feed->add("    " + line, "release"); };
  Result<int> code = co_await ports_.engine.run_once(std::move(run), on_line, rollout->stop);
  if (!code && code.error().code == Code::kUnavailable) co_return std::unexpected(code.error());
  if (code && *code == 0) co_return Status{};
  CO_TRY(rollout->still_wanted());
  if (!code && code.error().code == Code::kNotFound) {
    CO_TRY(co_await need_image(rollout));
  }
  rollout->row.reason = "release_failed";
  if (!code) co_return fail(Code::kFailedPrecondition, "the release command failed: " + code.error().message);
  co_return fail(Code::kFailedPrecondition, fmt::format("the release command ended with exit code {}", *code),
                 "its output stands above; what was live before goes on serving");
}

// Ends a Deployment that did not come to be. What serves goes on serving, or is brought back where its place was
// already being taken.
net::Task<void> DeploymentController::give_up(RolloutPtr rollout, Error error) {
  const Status restored = co_await reconcile_project(rollout->row.project_id, rollout->row.number);
  if (!restored) spdlog::warn("removing what failed: {}", restored.error().message);
  if (!restored && restored.error().code == Code::kUnavailable) repair_soon(rollout->row.project_id);
  // Ended in the queue at the very moment at which it began: its row says why, and the Client was told.
  if (rollout->ended) co_return;
  const bool cancelled = !rollout->cancelled.empty();
  store::DeploymentRow& row = rollout->row;
  if (row.reason.empty()) row.reason = "error";
  if (cancelled) row.reason = "cancelled";
  row.message = cancelled ? rollout->cancelled : error.message;
  Status moved = co_await move_to(rollout, cancelled ? DeploymentState::kCancelled : DeploymentState::kFailed);
  // Images of failures would fill the disk of a Project that never goes live.
  const bool own_image = row.cause == DeploymentCause::kPush || row.cause == DeploymentCause::kImage;
  if (moved && own_image) tasks_.spawn("tidy", remove_old_images(row.project_id));
  if (moved) tasks_.spawn("tidy", drop_old_snapshots(row.project_id));
  if (!moved && moved.error().code == Code::kAborted) co_return;
  if (!moved) spdlog::error("deployment {} of {}: {}", row.number, row.project_id, moved.error().message);
  rollout->feed->add(cancelled ? "==> Cancelled: " + rollout->cancelled : "==> Failed: " + error.message);
  if (!error.hint.empty() && !cancelled) rollout->feed->add("    " + error.hint);
}

}  // namespace paastech::controller
