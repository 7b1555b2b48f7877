#pragma once
// The Controller on the real ports. See controller.h for the contract.
#include <map>
#include <set>

#include "controller/controller.h"
#include "controller/feed.h"
#include "controller/ports.h"
#include "controller/rollout.h"
#include "controller/routes.h"
#include "controller/turn.h"
#include "domain/plan.h"

namespace paastech::controller {

class DeploymentController final : public Controller {
 public:
  DeploymentController(net::TaskGroup& tasks, Ports ports, ControllerOptions options);

  // Takes up the work that the last process left, then watches the Engine for ever. Does not wait for the Engine.
  void start();

  net::Task<Result<store::DeploymentRow>> deploy_commit(std::string project_id, std::string actor_id,
                                                        std::string commit) override;
  net::Task<Result<store::DeploymentRow>> redeploy(std::string project_id, std::string actor_id,
                                                   DeploymentCause cause) override;
  net::Task<Status> cancel(std::string project_id, std::int64_t number) override;
  net::Task<Status> stop_application(std::string project_id) override;
  net::Task<Result<store::DeploymentRow>> start_application(std::string project_id, std::string actor_id) override;
  net::Task<Result<store::DeploymentRow>> wait(std::string project_id, std::int64_t number) override;
  net::Task<Result<std::unique_ptr<Follower>>> follow(std::string project_id, std::int64_t number) override;
  net::Task<Status> create_project(store::ProjectRow project) override;
  net::Task<Result<Removal>> delete_project(std::string project_id) override;
  net::Task<Status> follow_suspension(std::string client_id) override;
  net::Task<Result<std::int64_t>> repository_bytes(std::vector<std::string> project_ids) override;

 private:
  struct Situation {
    store::ProjectRow project;
    std::optional<store::DeploymentRow> live = {};
    bool suspended = false;  // the owner's account: nothing of it runs
  };
  using Environment = std::map<std::string, std::string>;

  // deployment_controller.cc: what the API calls
  net::Task<Result<store::DeploymentRow>> enqueue(store::DeploymentRow row);
  RolloutPtr begin(const store::DeploymentRow& row);
  void end_early(const std::string& project_id, std::int64_t number, std::string why);
  void cancel_all(const std::string& project_id, const std::string& why);
  net::Task<void> taken_up();
  Result<std::vector<std::int64_t>> insert_queued(store::Tx& tx, store::DeploymentRow& row);
  std::shared_ptr<Turn> turn(const std::string& project_id);
  std::shared_ptr<net::Notifier> news(const std::string& project_id);

  // rollout.cc: one Deployment from queued to live or failed
  net::Task<void> run_rollout(RolloutPtr rollout);
  net::Task<Status> roll_out(RolloutPtr rollout);
  net::Task<Status> take_live_image(RolloutPtr rollout);
  net::Task<Status> build(RolloutPtr rollout);
  net::Task<Result<engine::GroupReady>> start_group(RolloutPtr rollout);
  net::Task<Status> cut_over(RolloutPtr rollout, engine::GroupReady ready);
  net::Task<void> give_up(RolloutPtr rollout, Error error);
  net::Task<Status> move_to(RolloutPtr rollout, DeploymentState state);
  Result<engine::InstanceGroup> group_of(const store::ProjectRow& project, const store::DeploymentRow& row) const;

  // retire.cc: what is not needed once a Deployment is live
  net::Task<void> remove_old_groups(std::string project_id, std::int64_t keep, std::vector<router::Backend> drain);
  net::Task<void> remove_groups_before(std::string project_id, std::int64_t keep);
  net::Task<void> remove_old_images(std::string project_id);

  // build.cc: reads the manifest, streams the tree to the Engine's build
  net::Task<Status> read_manifest(RolloutPtr rollout, std::string& dockerfile, std::string& context);
  net::Task<Status> run_build(RolloutPtr rollout, std::string dockerfile, std::string context);
  net::Task<Status> admit_build(RolloutPtr rollout);
  net::Task<void> note_build(std::string client_id, std::int64_t began_ms);

  // reconcile.cc: what is against what should be
  net::Task<void> take_up();
  net::Task<Status> take_up_deployments();
  net::Task<Status> reconcile_all();
  void forget_all_but(const std::set<std::string>& known);
  net::Task<void> watch_engine();
  DesiredProject desired_of(const Situation& situation) const;
  static ProjectRoutes routes_of(const Situation& situation, const ProjectPlan& plan);

  // repair.cc: one Project
  void spawn_repair(const std::string& project_id);
  net::Task<void> repair(std::string project_id);
  net::Task<Status> reconcile_project(std::string project_id);
  net::Task<Status> set_routes(std::string project_id, ProjectRoutes routes);
  net::Task<Result<ProjectRoutes>> run_current(store::ProjectRow project, store::DeploymentRow live);

  // removal.cc
  net::Task<Result<Removal>> remove_project_now(std::string project_id);
  net::Task<void> remove_orphan(std::string project_id);
  net::Task<void> publish_quietly();

  net::TaskGroup& tasks_;
  Ports ports_;
  ControllerOptions options_;
  Routes routes_;
  BuildPlaces places_;
  std::map<std::string, std::shared_ptr<Turn>> turns_;
  std::map<std::string, std::shared_ptr<net::Notifier>> news_;
  std::map<std::pair<std::string, std::int64_t>, RolloutPtr> rollouts_;
  std::set<std::pair<std::string, std::int64_t>> retiring_;  // being drained: reconciliation leaves them alone
  std::set<std::string> repairing_;                          // Projects whose repair waits for its turn
  std::shared_ptr<Turn> entry_;  // Deployments are entered one by one, so that they run in the order of their numbers
  bool taken_up_ = false;        // what the last process left was sorted out; nothing new begins before
  net::Notifier took_up_;
  bool compare_soon_ = false;  // events of the Engine were missed
};

ObservedInstance observed_from(const engine::Instance& instance);
// What a Deployment runs, but for its environment.
void copy_image(const store::DeploymentRow& from, store::DeploymentRow& to);

}  // namespace paastech::controller
