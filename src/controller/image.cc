// The images of a Project: one is made of one of a registry, and what runs needs one that is there.
#include "controller/deployment_controller.h"
#include "domain/image_name.h"
#include "store/registries.h"

namespace paastech::controller {

namespace {

// As whom it is fetched: opened for this one call.
Result<engine::PullImageRequest> pull_request(store::Tx& tx, const SecretBox& secrets,
                                              const store::DeploymentRow& row) {
  engine::PullImageRequest request;
  request.set_project(row.project_id);
  request.set_deployment(row.number);
  request.set_reference(row.image);
  const std::string named = registry_of(row.image);
  const std::string host = named.empty() ? "docker.io" : named;
  const Result<store::RegistryRow> known = store::find_registry(tx, row.project_id, host);
  if (!known && known.error().code == Code::kNotFound) return request;
  if (!known) return std::unexpected(known.error());
  TRY_ASSIGN(std::string password, secrets.open(known->password, store::registry_context(row.project_id, host)));
  request.set_username(known->username);
  request.set_password(std::move(password));
  return request;
}

}  // namespace

net::Task<Status> DeploymentController::fetch_image(RolloutPtr rollout) {
  if (rollout->row.image.starts_with("paastech/")) co_return Status{};  // by the process before this one
  CO_TRY(co_await admit_disk(rollout));
  auto prepare = [this, row = rollout->row](store::Tx& tx) { return pull_request(tx, ports_.secrets, row); };
  CO_TRY_ASSIGN(engine::PullImageRequest request, co_await ports_.database.read_at_last(std::move(prepare)));
  rollout->feed->add("==> Fetching " + rollout->row.image);
  const OnLine on_line = [feed = rollout->feed](const std::string& line) { feed->add("    " + line); };
  CO_TRY_ASSIGN(const engine::BuildResult result,
                co_await ports_.engine.pull(std::move(request), on_line, rollout->stop));
  if (!result.ok()) {
    rollout->row.reason = result.reason();
    co_return fail(Code::kFailedPrecondition, result.message());
  }
  rollout->row.image = result.image();
  rollout->row.port = result.exposed_port() > 0 ? result.exposed_port() : 80;
  co_return Status{};
}

net::Task<Result<std::set<std::string>>> DeploymentController::images_of(std::string project_id) {
  const Result<engine::ListImagesReply> reply = co_await ports_.engine.list_images(project_id);
  if (!reply)
    co_return fail(Code::kUnavailable, "the images of this project cannot be looked at: " + reply.error().message,
                   "try again in a moment");
  std::set<std::string> images;
  for (const engine::Image& image : reply->images()) images.insert(image.reference());
  co_return images;
}

net::Task<Status> DeploymentController::need_image(RolloutPtr rollout) {
  CO_TRY_ASSIGN(const std::set<std::string> images, co_await images_of(rollout->row.project_id));
  if (images.contains(rollout->row.image)) co_return Status{};
  rollout->row.reason = "image_missing";
  co_return fail(Code::kFailedPrecondition, "the image " + rollout->row.image + " is not there any more",
                 "deploy it anew, or go back to an earlier deployment: paastech rollback");
}

}  // namespace paastech::controller
