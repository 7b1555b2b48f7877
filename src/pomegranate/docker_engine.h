#pragma once
// The Engine that is Docker. One file a part: docker_engine.cc (describe, list, removal, images, volumes),
// docker_network.cc, docker_group.cc and docker_ready.cc, docker_instance.cc, docker_probe.cc, docker_build.cc,
// docker_pull.cc, docker_prune.cc, docker_logs.cc, docker_gather.cc and docker_gather_flood.cc, docker_run.cc,
// docker_leftovers.cc, docker_disk.cc. All state is in the Docker Engine. Thread: the loop of the task group.
#include <set>

#include "docker/client.h"
#include "docker/containers.h"
#include "docker/images.h"
#include "docker/networks.h"
#include "pomegranate/base_images.h"
#include "pomegranate/engine.h"
#include "pomegranate/firewall.h"
#include "pomegranate/names.h"
#include "pomegranate/probe.h"
#include "pomegranate/service.h"
#include "pomegranate/subnets.h"

namespace paastech::pomegranate {

// Limits where the request names none (proto/pomegranate.proto).
struct DefaultLimits {
  std::int64_t memory_bytes = 512LL << 20;
  std::int64_t milli_cpus = 1000;
  std::int64_t processes = 512;
  std::int64_t open_files = 16384;
};
inline constexpr std::int64_t kBuildMemoryBytes = 1LL << 30;
inline constexpr std::string_view kBuildMark = "build-";  // and random digits: the host entry of a build's containers
DefaultLimits effective(const v1::Limits& asked, std::int64_t default_memory);
// What stays of root's powers in an Instance: what ordinary server images use to switch to their own user and to take
// over files and ports below 1024 (capabilities(7)). All others are dropped.
const std::vector<std::string>& kept_capabilities();

struct BringUp;    // docker_group.cc
struct BuildRun;   // build_run.h
struct LogFollow;  // docker_logs.cc
struct RunOutput;  // docker_run.cc
struct Gathering;  // docker_gather.cc
struct GatherSource;
struct GatherBrake;
enum class GatherMode;

// Of the file system that holds the Engine's images and containers; zeros where that is not on this machine.
struct DiskSpace {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  // for an ordinary user
};

InstanceKey key_of(const v1::InstanceRequest& request);
// What a failed fetch of an image means to its Client, from the Engine's words. Pure.
std::string explain_pull_failure(std::string_view error, std::string_view reference, bool with_password);

class DockerEngine final : public Engine {
 public:
  static Result<std::unique_ptr<DockerEngine>> make(net::TaskGroup& tasks, Options options);

  net::Task<Result<v1::EngineDescription>> describe() override;
  net::Task<Status> build(v1::BuildSpec spec, std::shared_ptr<TarSource> tar, SinkPtr<v1::BuildEvent> sink) override;
  net::Task<Status> ensure_group(v1::InstanceGroup group, SinkPtr<v1::GroupEvent> sink) override;
  net::Task<Result<v1::RemoveGroupReply>> remove_group(v1::RemoveGroupRequest request) override;
  net::Task<Result<v1::ProbeReply>> probe_instance(v1::ProbeRequest request) override;
  net::Task<Result<v1::InstanceReply>> hold_instance(v1::InstanceRequest request) override;
  net::Task<Result<v1::InstanceReply>> start_instance(v1::StartInstanceRequest request) override;
  net::Task<Result<v1::InstanceReply>> stop_instance(v1::InstanceRequest request) override;
  net::Task<Result<v1::ListReply>> list(v1::ListRequest request) override;
  net::Task<Status> watch(SinkPtr<v1::InstanceEvent> sink) override;
  net::Task<Status> logs(v1::LogsRequest request, SinkPtr<v1::LogLine> sink) override;
  net::Task<Status> gather(v1::GatherRequest request, SinkPtr<v1::LogBatch> sink) override;
  net::Task<Result<v1::StatsReply>> stats(v1::StatsRequest request) override;
  net::Task<Status> run_once(v1::RunOnceRequest request, SinkPtr<v1::RunEvent> sink) override;
  net::Task<Status> pull_image(v1::PullImageRequest request, SinkPtr<v1::BuildEvent> sink) override;
  net::Task<Result<v1::PruneBuildsReply>> prune_builds(v1::PruneBuildsRequest request) override;
  net::Task<Result<v1::ListImagesReply>> list_images(v1::ListImagesRequest request) override;
  net::Task<Result<v1::RemoveImageReply>> remove_image(v1::RemoveImageRequest request) override;
  net::Task<Result<v1::Volume>> ensure_volume(v1::VolumeRequest request) override;
  net::Task<Result<v1::ListVolumesReply>> list_volumes(v1::ListVolumesRequest request) override;
  net::Task<Result<v1::RemoveVolumeReply>> remove_volume(v1::VolumeRequest request) override;
  net::Task<Result<v1::RemoveProjectReply>> remove_project(v1::RemoveProjectRequest request) override;

  // Sets up what must be beside the Engine as soon as it answers, and keeps it so. Runs until cancelled.
  net::Task<void> tend();
  // Ends what writes more than it may (Options). Runs until cancelled.
  net::Task<void> watch_disk();
  // Removes containers of builds and one-off commands that are not of this process; such a process was killed.
  net::Task<Status> remove_forsaken();

 private:
  struct Known {  // a container of ours
    std::string id;
    InstanceKey key;
    int port = 0;
    std::string state;
  };
  struct Found {  // what a group's start needs to know
    std::optional<docker::ImageDetails> image = {};
    std::vector<Known> instances = {};
  };
  struct ProbeTarget {
    std::string id;
    std::string address;
    int port = 0;
  };
  DockerEngine(net::TaskGroup& tasks, Options options, SubnetPool pool);
  // Instances of a Project (empty: all), a deployment (0: all) and a process (empty: all).
  net::Task<Result<std::vector<Known>>> known(std::string project, std::int64_t deployment, std::string process);
  net::Task<Result<v1::Instance>> instance_of(Known known);
  v1::Instance to_instance(const docker::ContainerDetails& details, const InstanceKey& key) const;
  // Of the container that has the Instance's name and labels; kNotFound.
  net::Task<Result<docker::ContainerDetails>> instance_details(v1::InstanceRequest request);
  net::Task<Result<v1::InstanceReply>> instance_reply(v1::InstanceRequest request);
  // grace_seconds: 0 for what the container says.
  net::Task<Status> stop(std::string id, int grace_seconds);
  net::Task<Status> hold(std::string id);
  net::Task<Status> hold_and_stop(std::string id, int grace_seconds);
  net::Task<Status> stop_and_remove(std::string id, int grace_seconds);

  // One attempt. kAborted, kNotFound: the container does not run.
  net::Task<Result<ProbeAttempt>> attempt(ProbeTarget target, v1::Probe probe, std::chrono::milliseconds limit,
                                          std::shared_ptr<ProbeAbort> abort);
  net::Task<Result<ProbeAttempt>> attempt_command(std::string container, v1::Probe probe,
                                                  std::chrono::milliseconds limit, std::shared_ptr<ProbeAbort> abort);
  net::Task<Result<int>> exit_code_of(std::string exec);
  net::Task<void> end_command(std::string container, std::string exec);

  net::Task<Status> ensure_network(std::string name, std::string project);
  net::Task<Result<bool>> remove_network_and_attached(std::string name);  // false: there was none
  net::Task<Status> ensure_firewall();
  net::Task<Result<std::string>> runtime_for(std::string isolation);

  net::Task<Status> find_image(std::shared_ptr<Found> found, std::string reference);
  net::Task<Status> find_instances(std::shared_ptr<Found> found, InstanceKey key);
  net::Task<Result<docker::ContainerSpec>> container_spec(v1::InstanceGroup group);
  net::Task<Result<v1::GroupEvent>> bring_up(std::shared_ptr<BringUp> run);
  net::Task<Status> exists_and_runs(std::shared_ptr<BringUp> run);
  net::Task<Result<v1::GroupEvent>> wait_ready(std::shared_ptr<BringUp> run);
  net::Task<Result<v1::GroupEvent>> ended_early(std::shared_ptr<BringUp> run);
  net::Task<void> watch_exit(std::shared_ptr<BringUp> run);
  net::Task<void> keep_running(std::string id);
  net::Task<std::vector<std::string>> last_lines(std::string id);

  net::Task<Status> run_build(std::shared_ptr<BuildRun> run);
  net::Task<Status> upload(std::shared_ptr<BuildRun> run);
  net::Task<Status> check_registry(std::string reference);
  net::Task<Result<docker::ImageDetails>> ready_image(BaseImage image, SinkPtr<v1::BuildEvent> sink,
                                                      std::shared_ptr<Fetch> fetch);
  net::Task<Status> ready_base_images(std::vector<BaseImage> images, std::string project, SinkPtr<v1::BuildEvent> sink,
                                      std::shared_ptr<Fetch> fetch);
  net::Task<Status> fetch_image(BaseImage image, SinkPtr<v1::BuildEvent> sink, std::shared_ptr<Fetch> fetch);
  net::Task<Status> read_pull(std::shared_ptr<net::HttpExchange> exchange, SinkPtr<v1::BuildEvent> sink,
                              std::shared_ptr<Fetch> fetch);
  net::Task<Result<v1::BuildResult>> fetch_and_name(v1::PullImageRequest request, SinkPtr<v1::BuildEvent> sink,
                                                    std::shared_ptr<Fetch> fetch);
  net::Task<Result<std::string>> ask_registry(std::string reference, std::string authority,
                                              std::shared_ptr<Fetch> fetch);
  net::Task<Result<v1::BuildResult>> name_image(std::string pinned, std::string project, std::int64_t deployment);
  net::Task<Status> read_output(std::shared_ptr<BuildRun> run);
  net::Task<void> bound_container(std::shared_ptr<BuildRun> run, std::string id);
  net::Task<void> watch_containers(std::shared_ptr<BuildRun> run);
  net::Task<Status> finish_build(std::shared_ptr<BuildRun> run);
  net::Task<void> clean_up_build(std::shared_ptr<BuildRun> run);
  std::string mark_prefix(const std::string& nonce) const;
  net::Task<void> mark_layer(std::string nonce, docker::ContainerDetails container, int number);
  net::Task<void> remove_marks(std::string nonce, int count);
  net::Task<void> remove_unneeded(std::string nonce, int marks, std::vector<std::string> layers);
  net::Task<void> remove_layers(std::vector<std::string> ids);
  net::Task<Status> remove_if_forsaken(docker::ContainerSummary container);

  net::Task<Result<DiskSpace>> engine_disk();
  net::Task<Status> end_overfull();
  std::int64_t overfull_bytes(const std::string& container) const;
  std::string overfull_text(const std::string& container) const;
  void tell_overfull(const std::string& container, v1::Instance& instance) const;
  net::Task<void> stop_overfull_builds();

  net::Task<Status> past_logs(std::shared_ptr<LogFollow> run, std::vector<Known> instances);
  net::Task<void> follow_one(std::shared_ptr<LogFollow> run, Known known);
  net::Task<void> follow_new(std::shared_ptr<LogFollow> run);

  void gather_from(const std::shared_ptr<Gathering>& run, const Known& known);
  net::Task<void> gather_one(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source);
  net::Task<Status> gather_output(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source,
                                  GatherMode mode);
  net::Task<Status> gather_flood(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source);
  net::Task<void> gather_brake(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source,
                               std::shared_ptr<GatherBrake> brake);
  net::Task<void> release_brake(std::shared_ptr<Gathering> run, std::shared_ptr<GatherSource> source);
  net::Task<Result<bool>> still_runs(std::string id);
  net::Task<void> gather_started(std::shared_ptr<Gathering> run);
  net::Task<void> gather_missed(std::shared_ptr<Gathering> run);

  net::Task<Status> pass_on_output(std::shared_ptr<RunOutput> run, bool follow);
  net::Task<Result<int>> follow_to_exit(std::shared_ptr<RunOutput> run);
  net::Task<Result<int>> run_to_end(std::string id, SinkPtr<v1::RunEvent> sink, std::chrono::seconds timeout);

  net::TaskGroup& tasks_;
  Options options_;
  SubnetPool pool_;
  docker::ClientPtr client_;
  Firewall firewall_;
  net::BlockingPool blocking_{1};          // for iptables
  std::uint64_t firewall_generation_ = 0;  // of the connection the firewall was set up for
  std::string firewall_state_ = "not set up yet";
  std::string root_folder_;                            // the Engine's, once it has said so
  std::map<std::string, std::int64_t> overfull_ = {};  // container → what it had written when it was ended for that
  std::set<std::string> fetching_ = {};                // images under way
  net::Notifier fetched_{tasks_.executor()};
  std::set<std::string> being_kept_ = {};  // containers whose restart policy is just being set by keep_running
  net::Notifier kept_{tasks_.executor()};
  std::map<std::string, std::shared_ptr<BuildRun>> builds_ = {};  // under way here, by their marks
  std::map<std::string, std::string> hung_probes_ = {};           // container → a command in it that outlives its time
  std::set<std::string> runs_ = {};                               // the containers of one-off commands under way here
  std::uint64_t swept_generation_ = 0;                            // of the connection that remove_forsaken was done on
  std::map<std::string, std::string> networks_made_ = {};  // name → subnet, being made: two Projects must not take one
};

}  // namespace paastech::pomegranate
