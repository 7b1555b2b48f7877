// Going back: which earlier Deployment, whether it would change anything, and whether its image is there still.
#include "controller/deployment_controller.h"
#include "controller/groups.h"
#include "domain/process_json.h"

namespace paastech::controller {

namespace {

constexpr int kRowsAtATime = 100;
constexpr std::size_t kNamed = 10;  // of those that one can go back to

// Without what the Project's scale says, which a rollback leaves as it is.
ProcessList unscaled(ProcessList list) {
  const Process plain;
  for (auto& [name, process] : list.processes) {
    process.count = plain.count;
    process.memory_bytes = plain.memory_bytes;
    process.milli_cpus = plain.milli_cpus;
    process.group = plain.group;
  }
  return list;
}

// Whether something else would run after going back to it.
Result<bool> differs(const SecretBox& secrets, const store::DeploymentRow& earlier, const store::DeploymentRow& live) {
  if (earlier.image != live.image) return true;
  TRY_ASSIGN(ProcessList then, process_list_from_json(earlier.processes));
  TRY_ASSIGN(ProcessList now, process_list_from_json(live.processes));
  if (unscaled(std::move(then)) != unscaled(std::move(now))) return true;
  TRY_ASSIGN(const bool same, same_environment(secrets, earlier, live));
  return !same;
}

using Images = std::set<std::string>;
struct Earlier {
  std::vector<store::DeploymentRow> rows = {};  // those that were live before the present one and differ from it
  bool any = false;                             // some were live before
};

// Newest first, and at most so many. images: only those that run one of these; nothing: whatever they run.
Result<Earlier> earlier_ones(store::Tx& tx, const SecretBox& secrets, const std::string& project_id, std::size_t most,
                             const std::optional<Images>& images) {
  Earlier out;
  TRY_ASSIGN(const std::optional<store::DeploymentRow> live, store::live_deployment(tx, project_id));
  for (std::int64_t before = 0;;) {
    TRY_ASSIGN(const auto rows, store::list_deployments(tx, project_id, kRowsAtATime, before));
    for (const store::DeploymentRow& row : rows) {
      if (row.state != DeploymentState::kSuperseded) continue;
      out.any = true;
      if (row.environment.empty() || (images && !images->contains(row.image))) continue;
      TRY_ASSIGN(const bool other, live ? differs(secrets, row, *live) : Result<bool>(true));
      if (other) out.rows.push_back(row);
      if (out.rows.size() == most) return out;
    }
    if (rows.empty()) return out;
    before = rows.back().number;
  }
}

// The newest that brings something else: of a restart or a change of scale nobody would notice anything.
Result<store::DeploymentRow> one_before(store::Tx& tx, const SecretBox& secrets, const std::string& project_id) {
  TRY_ASSIGN(const Earlier earlier, earlier_ones(tx, secrets, project_id, 1, std::nullopt));
  if (!earlier.rows.empty()) return earlier.rows.front();
  const std::string hint = "see them: paastech deployments list";
  if (!earlier.any)
    return fail(Code::kNotFound, "this project has no deployment before the present one to go back to", hint);
  return fail(Code::kNotFound,
              "all deployments that were live before run the image, the environment and the processes of the present "
              "one, so there is nothing to go back to",
              hint);
}

Result<store::DeploymentRow> one_to_go_back_to(store::Tx& tx, const SecretBox& secrets, const std::string& project_id,
                                               std::int64_t number) {
  if (number == 0) return one_before(tx, secrets, project_id);
  TRY_ASSIGN(store::DeploymentRow earlier, store::find_deployment(tx, project_id, number));
  if (earlier.state == DeploymentState::kLive)
    return fail(Code::kFailedPrecondition, "deployment " + std::to_string(number) + " is the live one",
                "name an earlier one: paastech rollback N");
  if (earlier.state != DeploymentState::kSuperseded)
    return fail(Code::kFailedPrecondition, "deployment " + std::to_string(number) + " never became live",
                "name one that was: paastech deployments list shows them as superseded");
  return earlier;
}

Status it_is_gone(store::Tx& tx, const SecretBox& secrets, const store::DeploymentRow& earlier, const Images& images) {
  TRY_ASSIGN(const Earlier others, earlier_ones(tx, secrets, earlier.project_id, kNamed, images));
  const std::string gone = fmt::format("the {} of deployment {} was removed, for only those of the last few are kept",
                                       images.contains(earlier.image) ? "environment" : "image", earlier.number);
  if (others.rows.empty())
    return fail(Code::kFailedPrecondition, gone + "; no other that was live before can be rolled back to",
                "deploy it anew: paastech deploy");
  std::string numbers;
  for (const store::DeploymentRow& row : others.rows)
    numbers += (numbers.empty() ? "" : ", ") + std::to_string(row.number);
  return fail(Code::kFailedPrecondition, gone + "; these can be rolled back to: " + numbers,
              fmt::format("name one of them, as in: paastech rollback {}", others.rows.front().number));
}

}  // namespace

// Whether the image is there is asked before anything is recorded: it may be long gone, and what runs might have ended
// by the time somebody missed it.
net::Task<Result<store::DeploymentRow>> DeploymentController::roll_back(std::string project_id, std::string actor_id,
                                                                        std::int64_t number) {
  co_await taken_up();
  auto choose = [this, project_id, number](store::Tx& tx) {
    return one_to_go_back_to(tx, ports_.secrets, project_id, number);
  };
  CO_TRY_ASSIGN(const store::DeploymentRow earlier, co_await ports_.database.read(std::move(choose)));
  CO_TRY_ASSIGN(const Images images, co_await images_of(project_id));
  if (!images.contains(earlier.image) || earlier.environment.empty()) {
    auto explain = [this, earlier, images](store::Tx& tx) { return it_is_gone(tx, ports_.secrets, earlier, images); };
    Status refused = co_await ports_.database.read(std::move(explain));
    co_return std::unexpected(std::move(refused).error());
  }
  store::DeploymentRow row;
  row.project_id = project_id;
  row.actor_id = actor_id;
  row.cause = DeploymentCause::kRollback;
  row.origin = earlier.number;
  copy_image(earlier, row);
  Result<store::DeploymentRow> queued = co_await enqueue(std::move(row));
  co_return queued;
}

}  // namespace paastech::controller
