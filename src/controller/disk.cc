// The disk that holds the Engine's images: where it gets full, what nobody goes back to is removed; where it is nearly
// full nothing is built any more, for that could end what runs. Applications serve on in any case, and volumes are
// never removed.
#include "controller/deployment_controller.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr auto kEvery = 60s;
constexpr int kTidyEvery = 60;  // of those looks: the build cache against its budget

// 0 where the Engine's disk is not known.
int used_percent(const engine::EngineDescription& engine) {
  if (engine.disk_total_bytes() <= 0) return 0;
  return static_cast<int>(100 - engine.disk_free_bytes() * 100 / engine.disk_total_bytes());
}

}  // namespace

net::Task<void> DeploymentController::watch_disk() {
  for (int look = 0;; ++look) {
    const Result<engine::EngineDescription> engine = co_await ports_.engine.describe();
    const bool scarce = engine && used_percent(*engine) >= options_.disk_collect_percent;
    if (scarce || look % kTidyEvery == 0) {
      const Status collected = co_await collect(scarce);
      if (!collected && collected.error().code != Code::kUnavailable)
        spdlog::warn("tidying up the Engine's disk: {}", collected.error().message);
    }
    const Status slept = co_await net::sleep_for(kEvery);
    if (!slept) co_return;
  }
}

net::Task<Status> DeploymentController::collect(bool scarce) {
  if (scarce) {
    auto load = [](store::Tx& tx) { return store::list_projects(tx, ""); };
    CO_TRY_ASSIGN(const std::vector<store::ProjectRow> projects, co_await ports_.database.read(std::move(load)));
    for (const store::ProjectRow& project : projects) co_await remove_old_images(project.id);
  }
  CO_TRY_ASSIGN(const engine::PruneBuildsReply pruned,
                co_await ports_.engine.prune_builds(scarce ? 0 : options_.build_cache_bytes));
  if (pruned.freed_bytes() > 0) spdlog::info("{} bytes that builds had left were removed", pruned.freed_bytes());
  co_return Status{};
}

net::Task<Status> DeploymentController::admit_disk(RolloutPtr rollout) {
  const Result<engine::EngineDescription> engine = co_await ports_.engine.describe();
  const int used = engine ? used_percent(*engine) : 0;  // one that does not answer will not build either, and says why
  if (used < options_.disk_refuse_percent) co_return Status{};
  rollout->row.reason = "disk_full";
  co_return fail(Code::kResourceExhausted,
                 fmt::format("the disk of this Service is {} % full, so nothing is built", used),
                 "what runs goes on; ask the administrator of this Service to make room");
}

}  // namespace paastech::controller
