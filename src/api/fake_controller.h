#pragma once
// For tests of the API: a controller that writes the rows that the real one would, starts nothing, and notes what was
// asked.
#include <string>
#include <vector>

#include "controller/controller.h"
#include "controller/database_access.h"

namespace paastech::api {

// The lines of a Deployment that the test lays down; then it has ended.
class ListFollower final : public controller::Follower {
 public:
  explicit ListFollower(std::vector<std::vector<std::string>> batches) : batches_(std::move(batches)) {}
  net::Task<std::vector<std::string>> next() override;

 private:
  std::vector<std::vector<std::string>> batches_;
  std::size_t at_ = 0;
};

class FakeController final : public controller::Controller {
 public:
  FakeController(controller::DatabaseAccess& database, net::Executor executor) : database_(database), gate(executor) {}

  net::Task<Result<store::DeploymentRow>> deploy_commit(std::string project_id, std::string actor_id,
                                                        std::string commit) override;
  net::Task<Result<store::DeploymentRow>> redeploy(std::string project_id, std::string actor_id,
                                                   DeploymentCause cause) override;
  net::Task<Result<store::DeploymentRow>> deploy_image(std::string project_id, std::string actor_id,
                                                       std::string reference) override;
  net::Task<Result<controller::Changed>> change(std::string project_id, std::string actor_id, DeploymentCause cause,
                                                controller::Change change) override;
  net::Task<Result<store::DeploymentRow>> roll_back(std::string project_id, std::string actor_id,
                                                    std::int64_t number) override;
  controller::Condition condition(const std::string&) const override { return condition_now; }
  net::Task<Status> cancel(std::string project_id, std::int64_t number) override;
  net::Task<Status> stop_application(std::string project_id) override;
  net::Task<Result<store::DeploymentRow>> start_application(std::string project_id, std::string actor_id) override;
  net::Task<Result<store::DeploymentRow>> wait(std::string project_id, std::int64_t number) override;
  net::Task<Result<std::unique_ptr<controller::Follower>>> follow(std::string, std::int64_t) override;
  net::Task<Status> create_project(store::ProjectRow project) override;
  net::Task<Result<controller::Removal>> delete_project(std::string project_id) override;
  net::Task<Status> follow_suspension(std::string client_id) override;
  net::Task<Result<std::int64_t>> repository_bytes(std::vector<std::string> project_ids) override;

 private:
  static store::DeploymentRow row_of(const std::string& project_id, const std::string& actor_id, DeploymentCause cause);
  net::Task<Result<store::DeploymentRow>> insert(store::DeploymentRow row);
  net::Task<Status> set_stopped(std::string project_id, bool stopped);
  controller::DatabaseAccess& database_;

 public:
  net::Notifier gate;
  bool held = false;                          // redeploy and wait wait until the gate is notified and this is false
  std::function<void()> after_entering = {};  // runs once a Deployment is stored
  Status refuses = {};                        // what keeps the Deployment of a change from being queued
  std::vector<std::string> asked;
  std::vector<std::vector<std::string>> lines = {{"==> Building"}, {"done"}};
  DeploymentState ends_as = DeploymentState::kLive;
  controller::Condition condition_now = {};
  std::int64_t bytes_of_each = 1'000;  // a repository's; below 0: nobody answers
};

}  // namespace paastech::api
