// What a Deployment leaves behind: the Instances of those before one that went live, and images that nobody goes back
// to.
#include "controller/deployment_controller.h"
#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

// The name that pomegranate gives to the image of a Deployment's build (proto/pomegranate.proto).
std::string image_name(const std::string& project_id, std::int64_t number) {
  return fmt::format("paastech/{}:{}", project_id, number);
}

}  // namespace

net::Task<void> DeploymentController::remove_old_groups(std::string project_id, std::int64_t keep,
                                                        std::vector<router::Backend> drain) {
  co_await routes_.drain(drain);
  co_await remove_groups_before(project_id, keep);
  for (const router::Backend& backend : drain) retiring_.erase({project_id, backend.deployment()});
  co_await remove_old_images(project_id);
}

net::Task<void> DeploymentController::remove_groups_before(std::string project_id, std::int64_t keep) {
  engine::ListRequest which;
  which.set_project(project_id);
  auto listed = co_await rpc::call<engine::ListReply>(ports_.pomegranate.async(),
                                                      &engine::Pomegranate::Stub::async::List, which, 30s);
  if (!listed) co_return;  // the next reconciliation does it
  std::set<std::int64_t> old;
  for (const engine::Instance& instance : listed->instances())
    if (instance.deployment() < keep) old.insert(instance.deployment());
  for (const std::int64_t number : old) {
    engine::RemoveGroupRequest request;
    request.set_project(project_id);
    request.set_deployment(number);
    auto removed = co_await rpc::call<engine::RemoveGroupReply>(
        ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveGroup, request, 60s);
    if (!removed) spdlog::warn("removing deployment {} of {}: {}", number, project_id, removed.error().message);
  }
}

// Keeps the images of the live and the last few Deployments that had one (peers fill their disks here), and the newest
// of those that did not come to be, for the cache of the next build. One that is on its way may have its image before
// its row says so.
net::Task<void> DeploymentController::remove_old_images(std::string project_id) {
  const int limit = options_.kept_images + 1;
  engine::ListImagesRequest which;
  which.set_project(project_id);
  auto images = co_await rpc::call<engine::ListImagesReply>(ports_.pomegranate.async(),
                                                            &engine::Pomegranate::Stub::async::ListImages, which, 30s);
  if (!images) co_return;
  auto find = [project_id](store::Tx& tx) { return store::list_deployments(tx, project_id, 100, 0); };
  auto rows = co_await ports_.database.read(std::move(find));
  if (!rows) co_return;
  std::set<std::string> keep;
  std::string failed;
  for (const store::DeploymentRow& row : *rows) {
    const bool wanted = row.state == DeploymentState::kLive || is_running(row.state) ||
                        (row.state == DeploymentState::kSuperseded && static_cast<int>(keep.size()) < limit);
    if (wanted && !row.image.empty()) keep.insert(row.image);
    if (is_running(row.state)) keep.insert(image_name(project_id, row.number));
    const bool came_to_nothing = row.state == DeploymentState::kFailed || row.state == DeploymentState::kCancelled;
    if (came_to_nothing && row.cause == DeploymentCause::kPush && failed.empty()) failed = row.image;
  }
  for (const engine::Image& image : images->images()) {
    if (keep.contains(image.reference()) || image.reference() == failed) continue;
    engine::RemoveImageRequest request;
    request.set_reference(image.reference());
    auto removed = co_await rpc::call<engine::RemoveImageReply>(
        ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::RemoveImage, request, 60s);
    if (!removed) spdlog::info("image {} stays: {}", image.reference(), removed.error().message);
  }
}

}  // namespace paastech::controller
