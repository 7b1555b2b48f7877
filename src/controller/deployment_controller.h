#pragma once
// The Controller on its ports. See controller.h for the contract.
#include <limits>
#include <map>
#include <set>

#include "controller/build_places.h"
#include "controller/controller.h"
#include "controller/feed.h"
#include "controller/ports.h"
#include "controller/rollout.h"
#include "controller/routes.h"
#include "controller/turn.h"
#include "domain/crash_book.h"
#include "domain/plan.h"

namespace paastech::controller {

class DeploymentController final : public Controller {
 public:
  DeploymentController(net::TaskGroup& tasks, Ports ports, ControllerOptions options);

  // Takes up the work that the last process left, then watches the Engine for ever. Does not wait for the Engine.
  void start();

  net::Task<Result<store::DeploymentRow>> deploy_commit(std::string project_id, std::string actor_id,
                                                        std::string commit) override;
  net::Task<Result<store::DeploymentRow>> deploy_image(std::string project_id, std::string actor_id,
                                                       std::string reference) override;
  net::Task<Result<store::DeploymentRow>> redeploy(std::string project_id, std::string actor_id,
                                                   DeploymentCause cause) override;
  net::Task<Result<Changed>> change(std::string project_id, std::string actor_id, DeploymentCause cause,
                                    Change change) override;
  net::Task<Result<store::DeploymentRow>> roll_back(std::string project_id, std::string actor_id,
                                                    std::int64_t number) override;
  net::Task<Status> cancel(std::string project_id, std::int64_t number) override;
  net::Task<Status> stop_application(std::string project_id) override;
  net::Task<Result<store::DeploymentRow>> start_application(std::string project_id, std::string actor_id) override;
  net::Task<Result<store::DeploymentRow>> wait(std::string project_id, std::int64_t number) override;
  net::Task<Result<std::unique_ptr<Follower>>> follow(std::string project_id, std::int64_t number) override;
  net::Task<Status> create_project(store::ProjectRow project) override;
  net::Task<Result<Removal>> delete_project(std::string project_id) override;
  net::Task<Status> follow_suspension(std::string client_id) override;
  net::Task<Result<std::int64_t>> repository_bytes(std::vector<std::string> project_ids) override;
  Condition condition(const std::string& project_id) const override;

 private:
  struct Situation {
    store::ProjectRow project;
    std::optional<store::DeploymentRow> live = {};
    bool suspended = false;  // the owner's account: nothing of it runs
  };
  // What a Project's liveness probes need to know; kept from the last comparison.
  struct Watched {
    struct Liveness {
      Probe probe;
      std::int64_t start_ms = 0;  // so long it may take to start
    };
    struct Reason {
      std::string text;
      std::int64_t until_ms = std::numeric_limits<std::int64_t>::max();  // steady; an end that is later has another
    };
    std::map<InstanceName, Liveness> probes = {};
    std::set<InstanceName> starting = {};               // the Engine's doing, and not seen to be well since
    std::map<InstanceName, int> failures = {};          // in a row
    std::map<InstanceName, std::int64_t> next_ms = {};  // steady
    std::map<InstanceName, Reason> reasons = {};        // why one that is about to end does so
  };

  // deployment_controller.cc: entering, following and ending Deployments
  net::Task<Result<store::DeploymentRow>> enqueue(store::DeploymentRow row);
  net::Task<Result<Changed>> enter(store::DeploymentRow row, Change change);
  RolloutPtr begin(const store::DeploymentRow& row);
  void end_early(const std::string& project_id, std::int64_t number, std::string why);
  void cancel_all(const std::string& project_id, const std::string& why);
  bool under_way(const std::string& project_id) const;
  net::Task<void> taken_up();
  struct Entry {
    Changed changed;
    std::vector<std::int64_t> overtaken = {};  // Deployments that it does the work of
  };
  Result<Entry> store_entry(store::Tx& tx, store::DeploymentRow row, const Change& change);
  Result<std::vector<std::int64_t>> insert_queued(store::Tx& tx, store::DeploymentRow& row);
  std::shared_ptr<Turn> turn(const std::string& project_id);
  bool busy(const std::string& project_id) const;  // somebody has its turn
  std::shared_ptr<net::Notifier> news(const std::string& project_id);

  // rollout.cc: one Deployment from queued to live or failed
  net::Task<void> run_rollout(RolloutPtr rollout);
  net::Task<Status> roll_out_at_last(RolloutPtr rollout);
  net::Task<Status> roll_out(RolloutPtr rollout);
  net::Task<Status> take_live_image(RolloutPtr rollout);
  net::Task<Status> settle_list(RolloutPtr rollout);
  net::Task<Status> release(RolloutPtr rollout);
  net::Task<void> give_up(RolloutPtr rollout, Error error);
  net::Task<Status> move_to(RolloutPtr rollout, DeploymentState state);

  // strategy.cc: how the new Instances take the place of the old ones
  using Backends = std::vector<router::Backend>;
  net::Task<Result<Backends>> start_group(RolloutPtr rollout, std::string name, Process process);
  net::Task<Result<Backends>> start_whole(RolloutPtr rollout, std::string name, Process process);
  net::Task<Result<Backends>> start_all(RolloutPtr rollout);
  net::Task<Status> replace_at_once(RolloutPtr rollout);
  net::Task<Status> replace_one_by_one(RolloutPtr rollout);
  net::Task<Status> replace_process(RolloutPtr rollout, std::string name, std::vector<engine::Instance> old,
                                    std::shared_ptr<Backends> web);
  net::Task<Status> replace_after_the_end(RolloutPtr rollout);
  net::Task<Status> cut_over(RolloutPtr rollout, Backends backends);

  // retire.cc: what is not needed once a Deployment is live
  net::Task<void> retire(RolloutPtr rollout, std::set<std::int64_t> numbers, Backends drained);
  net::Task<Status> end_surplus(RolloutPtr rollout);
  net::Task<Status> end_instances(engine::RemoveGroupRequest which);
  net::Task<void> remove_old_images(std::string project_id);
  net::Task<void> drop_old_snapshots(std::string project_id);

  // build.cc: reads the manifest, streams the tree to the Engine's build
  struct BuildSource {
    std::string context;      // folder of the tree; empty: its root
    std::string dockerfile;   // of the context
    std::string ignore = {};  // text of the context's .dockerignore
  };
  net::Task<Result<BuildSource>> read_manifest(RolloutPtr rollout);
  net::Task<Status> make_image(RolloutPtr rollout);
  net::Task<Status> build(RolloutPtr rollout);
  net::Task<Status> run_build(RolloutPtr rollout, BuildSource source);
  net::Task<Status> fetch_image(RolloutPtr rollout);
  net::Task<Status> admit_build(RolloutPtr rollout);
  net::Task<void> note_build(std::string client_id, std::int64_t began_ms);

  // image.cc: what the Engine has of a Project
  net::Task<Result<std::set<std::string>>> images_of(std::string project_id);  // kUnavailable: it cannot be asked
  net::Task<Status> need_image(RolloutPtr rollout);

  // reconcile.cc: what is against what should be
  net::Task<void> take_up();
  net::Task<Status> take_up_deployments();
  net::Task<Status> reconcile_all();
  void forget_all_but(const std::set<std::string>& known);
  net::Task<void> watch_engine();
  static Result<ProcessList> list_of(const Situation& situation);  // no process: nothing should run
  DesiredProject desired_of(const Situation& situation, const ProcessList& list);
  static ProjectRoutes routes_of(const Situation& situation, const ProjectPlan& plan);

  // repair.cc: one Project
  void spawn_repair(const std::string& project_id);
  net::Task<void> repair(std::string project_id);
  void repair_soon(const std::string& project_id);  // somebody did not answer
  net::Task<void> repair_later(std::string project_id, std::chrono::seconds pause);
  net::Task<Status> reconcile_project(std::string project_id, std::int64_t abandoned = 0);
  net::Task<Result<bool>> room_first(std::string project_id, Strategy live, ProjectPlan plan);
  net::Task<Status> remove_what_leaves(Situation situation, ProjectPlan plan, std::vector<ObservedInstance> observed,
                                       std::chrono::seconds longest, std::int64_t abandoned);
  net::Task<Status> set_routes(std::string project_id, ProjectRoutes routes);
  net::Task<Status> bring_back(Situation situation, GroupKey key, Process process, ProjectPlan plan, StopPtr stop);
  net::Task<Status> remove_surplus(std::string project_id, std::set<Surplus> surplus,
                                   std::vector<router::Backend> leaving, std::chrono::seconds longest,
                                   std::int64_t abandoned);
  void mark(const std::string& project_id, const Status& done);

  // suspension.cc: what an administrator suspended ends at once
  net::Task<void> suspend(store::ProjectRow project);
  net::Task<Status> stop_at_once(store::ProjectRow project);

  // crashes.cc: Instances that end by themselves, or are alive no more
  void on_engine_event(const engine::InstanceEvent& event);
  void on_end(const engine::Instance& instance);
  void note_failed_start(const std::string& project_id, const GroupKey& key, const std::set<int>& asked,
                         const engine::GroupFailed& failed);
  bool has_ended(const std::string& project_id, const InstanceName& name) const;  // and was not seen to be well since
  bool note_ends(const std::vector<engine::Instance>& listed, const DesiredProject& desired);
  net::Task<void> hold(std::string project_id, InstanceName name);
  net::Task<void> remove_overfull(std::string project_id, InstanceName name);
  net::Task<void> restart_what_is_due();
  net::Task<void> check_liveness();
  net::Task<void> probe(std::string project_id, InstanceName name, Watched::Liveness how);
  void watch_liveness(const Situation& situation, const ProcessList& list);

  // disk.cc: the Engine's disk does not fill up
  net::Task<void> watch_disk();
  net::Task<Status> collect(bool scarce);
  net::Task<Status> admit_disk(RolloutPtr rollout);

  // removal.cc
  net::Task<Result<Removal>> remove_project_now(std::string project_id);
  net::Task<Result<Removal>> try_to_remove(std::string project_id);
  net::Task<void> remove_orphan(std::string project_id);
  net::Task<void> publish_quietly();

  net::TaskGroup& tasks_;
  Ports ports_;
  ControllerOptions options_;
  Routes routes_;
  BuildPlaces places_;
  std::map<std::string, std::shared_ptr<Turn>> turns_;  // those that were asked for since the last comparison of all
  std::map<std::string, std::shared_ptr<net::Notifier>> news_;
  std::map<std::pair<std::string, std::int64_t>, RolloutPtr> rollouts_;
  std::set<std::pair<std::string, std::int64_t>> retiring_;  // being drained: reconciliation leaves them alone
  std::map<std::string, StopPtr> repairing_;                 // Projects that are being repaired
  std::set<std::string> repair_waits_;                       // Projects whose repair waits for its turn
  struct Again {
    std::chrono::seconds pause{5};
    bool waits = false;
  };
  std::map<std::string, Again> again_;  // Projects whose repair met somebody who did not answer
  std::set<std::string> missed_;        // Projects that the Engine told of while one had its turn
  std::map<std::string, CrashBook> crashes_;
  std::map<std::string, Watched> watched_;
  std::set<std::string> ending_;               // the Engine's ids of Instances that it was told to end
  std::set<std::string> compared_;             // with a live Deployment, and seen to be as they should since the start
  std::map<std::string, Condition> problems_;  // Projects that could not be repaired
  std::set<std::pair<std::string, InstanceName>> probing_;
  net::Notifier crash_news_;
  std::shared_ptr<Turn> entry_;  // Deployments are entered one by one, so that they run in the order of their numbers
  bool taken_up_ = false;        // what the last process left was sorted out; nothing new begins before
  net::Notifier took_up_;
  bool compare_soon_ = false;  // events of the Engine were missed
};

}  // namespace paastech::controller
