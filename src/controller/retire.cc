// What a Deployment leaves behind: the Instances of those before one that went live, and images and environments that
// nobody goes back to.
#include "base/failpoint.h"
#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"

namespace paastech::controller {

namespace {

// The name that pomegranate gives to the image of a Deployment's build (proto/pomegranate.proto).
std::string image_name(const std::string& project_id, std::int64_t number) {
  return fmt::format("paastech/{}:{}", project_id, number);
}

}  // namespace

// Stops them, and removes them once their last words are kept.
net::Task<Status> DeploymentController::end_instances(engine::RemoveGroupRequest which) {
  CO_TRY_ASSIGN(const std::vector<engine::Instance> running, co_await ports_.engine.list(which.project()));
  std::vector<std::string> ids;
  for (const engine::Instance& instance : running)
    if (asked_for(which, instance)) ids.push_back(instance.id());
  if (ids.empty()) co_return Status{};
  ending_.insert(ids.begin(), ids.end());
  if (ports_.last_words != nullptr) {
    engine::RemoveGroupRequest stop = which;
    stop.set_only_stop(true);
    CO_TRY(co_await ports_.engine.remove_group(std::move(stop)));
    co_await ports_.last_words->kept(std::move(ids));
  }
  PAASTECH_FAILPOINT("instances.stopped");
  Status removed = co_await ports_.engine.remove_group(std::move(which));
  co_return removed;
}

net::Task<void> DeploymentController::retire(RolloutPtr rollout, std::set<std::int64_t> numbers, Backends drained) {
  const std::string project_id = rollout->row.project_id;
  const std::chrono::seconds longest = drain_time(rollout->before);
  co_await routes_.drain(std::move(drained), longest);
  PAASTECH_FAILPOINT("retire.drained");
  for (const std::int64_t number : numbers) {
    engine::RemoveGroupRequest which;
    which.set_project(project_id);
    which.set_deployment(number);
    const Status removed = co_await end_instances(std::move(which));
    if (!removed) spdlog::warn("removing deployment {} of {}: {}", number, project_id, removed.error().message);
    retiring_.erase({project_id, number});
  }
  co_await remove_old_images(project_id);
  co_await drop_old_snapshots(project_id);
}

// Of groups that go on with fewer Instances. Held to the Project's turn, for the next Deployment may want them back.
net::Task<Status> DeploymentController::end_surplus(RolloutPtr rollout) {
  if (rollout->row.cause != DeploymentCause::kScale) co_return Status{};
  const std::string project_id = rollout->row.project_id;
  // Where it does not answer the next comparison does it: this Deployment is live.
  const Result<std::vector<engine::Instance>> running = co_await ports_.engine.list(project_id);
  if (!running) co_return Status{};
  const DesiredProject desired = desired_of({rollout->project, rollout->row}, rollout->list);
  const std::vector<ObservedInstance> observed = observed_from(*running);
  const ProjectPlan plan = plan_project(desired, observed);
  std::vector<router::Backend> leaving = leaving_backends(plan.remove, observed);
  const Status removed =
      co_await remove_surplus(project_id, plan.remove, std::move(leaving), drain_time(rollout->list), 0);
  if (!removed) spdlog::warn("project {}: {}", rollout->project.name, removed.error().message);
  co_return Status{};
}

namespace {

constexpr int kMostRows = 100;  // of each state

Result<std::set<std::string>> wanted_images(store::Tx& tx, const std::string& project_id, std::size_t earlier) {
  using enum DeploymentState;
  std::set<std::string> wanted;
  TRY_ASSIGN(const auto on_its_way,
             store::newest_in(tx, project_id, {kQueued, kBuilding, kReleasing, kStarting}, kMostRows));
  for (const store::DeploymentRow& row : on_its_way) {
    wanted.insert(row.image);
    wanted.insert(image_name(project_id, row.number));
  }
  TRY_ASSIGN(const auto live, store::live_deployment(tx, project_id));
  if (live) wanted.insert(live->image);
  TRY_ASSIGN(const auto before, store::newest_in(tx, project_id, {kSuperseded}, kMostRows));
  std::set<std::string> of_earlier;
  for (const store::DeploymentRow& row : before)
    if (of_earlier.size() < earlier && !(live && row.image == live->image)) of_earlier.insert(row.image);
  wanted.merge(of_earlier);
  TRY_ASSIGN(const auto failed, store::newest_in(tx, project_id, {kFailed, kCancelled}, kMostRows));
  const auto pushed = std::ranges::find_if(failed, [](const store::DeploymentRow& row) {
    return row.cause == DeploymentCause::kPush && !row.image.empty();
  });
  if (pushed != failed.end()) wanted.insert(pushed->image);
  return wanted;
}

}  // namespace

// Keeps the images of the live and the last few Deployments that had one (peers fill their disks here), and the newest
// of those that did not come to be, for the cache of the next build. One that is on its way may have its image before
// its row says so.
net::Task<void> DeploymentController::remove_old_images(std::string project_id) {
  const Result<std::set<std::string>> images = co_await images_of(project_id);
  if (!images) co_return;
  auto find = [project_id, earlier = static_cast<std::size_t>(options_.kept_images)](store::Tx& tx) {
    return wanted_images(tx, project_id, earlier);
  };
  const auto wanted = co_await ports_.database.read(std::move(find));
  if (!wanted) co_return;
  for (const std::string& image : *images) {
    if (wanted->contains(image)) continue;
    const Status removed = co_await ports_.engine.remove_image(image);
    if (!removed) spdlog::info("image {} stays: {}", image, removed.error().message);
  }
}

namespace {

constexpr std::size_t kDroppedAtOnce = 100;  // in one transaction, so that others get their turn

// Deployments whose Instances run on in one that is live or on its way.
Result<std::set<std::int64_t>> groups_in_use(store::Tx& tx, const std::string& project_id) {
  using enum DeploymentState;
  TRY_ASSIGN(const auto rows,
             store::newest_in(tx, project_id, {kLive, kQueued, kBuilding, kReleasing, kStarting}, kMostRows));
  std::set<std::int64_t> numbers;
  for (const store::DeploymentRow& row : rows) {
    TRY_ASSIGN(const ProcessList list, process_list_from_json(row.processes));
    for (const auto& [name, process] : list.processes) numbers.insert(process.group);
  }
  return numbers;
}

// At most kDroppedAtOnce.
Result<std::vector<std::int64_t>> old_snapshots(store::Tx& tx, const std::string& project_id, std::size_t images,
                                                std::size_t most) {
  TRY_ASSIGN(const std::set<std::string> wanted, wanted_images(tx, project_id, images));
  TRY_ASSIGN(const std::set<std::int64_t> in_use, groups_in_use(tx, project_id));
  TRY_ASSIGN(const auto ended, store::ended_snapshots(tx, project_id));
  std::set<std::string> seen;
  std::size_t kept = 0;
  std::vector<std::int64_t> old;
  for (const store::SnapshotRow& one : ended) {
    const bool first = one.was_live && seen.insert(one.image).second;
    if (one.was_live && wanted.contains(one.image) && (first || kept < most))
      ++kept;
    else if (!in_use.contains(one.number) && old.size() < kDroppedAtOnce)
      old.push_back(one.number);
  }
  return old;
}

}  // namespace

// Each may have some 350 KiB, and every change of a variable leaves one. Kept are those that one can go back to: of the
// images that are kept the last few that were live, and of each image at least the newest. None that is chosen here is
// needed again by the time it goes: what is live adopts only groups of what was live before, a rollback copies its own.
net::Task<void> DeploymentController::drop_old_snapshots(std::string project_id) {
  while (true) {
    auto find = [project_id, images = static_cast<std::size_t>(options_.kept_images),
                 most = static_cast<std::size_t>(options_.kept_snapshots)](store::Tx& tx) {
      return old_snapshots(tx, project_id, images, most);
    };
    const Result<std::vector<std::int64_t>> old = co_await ports_.database.read(std::move(find));
    if (!old || old->empty()) co_return;
    auto drop = [project_id, numbers = *old](store::Tx& tx) -> Status {
      for (const std::int64_t number : numbers) TRY(store::drop_snapshot(tx, project_id, number));
      return {};
    };
    const Status dropped = co_await ports_.database.write(std::move(drop));
    if (!dropped) co_return;  // the next Deployment that ends comes by here
  }
}

}  // namespace paastech::controller
