#pragma once
// The seam between PaaSTech and what runs Instances: Docker here, Kubernetes to come. What each call means is specified
// in proto/pomegranate.proto; every implementation is held to engine_contract_test.cc. Stateless and idempotent.
// Thread: the control-plane loop. Errors: kUnavailable where the Engine does not answer; others as the contract says.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/task.h"
#include "pomegranate.pb.h"

namespace paastech::pomegranate {

// Where a streamed answer goes.
template <class Message>
class Sink {
 public:
  virtual ~Sink() = default;
  virtual net::Task<bool> put(Message message) = 0;  // false: the receiver is gone
  virtual bool gone() const = 0;
  virtual void on_gone(std::function<void()> action) = 0;  // at most one action, called once on the loop
};
template <class Message>
using SinkPtr = std::shared_ptr<Sink<Message>>;

// Where the tar of a build context comes from.
class TarSource {
 public:
  virtual ~TarSource() = default;
  virtual net::Task<std::optional<std::string>> next() = 0;  // nullopt at the end, or where the sender is gone
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual net::Task<Result<v1::EngineDescription>> describe() = 0;
  virtual net::Task<Status> build(v1::BuildSpec spec, std::shared_ptr<TarSource> tar, SinkPtr<v1::BuildEvent> sink) = 0;
  virtual net::Task<Status> ensure_group(v1::InstanceGroup group, SinkPtr<v1::GroupEvent> sink) = 0;
  virtual net::Task<Result<v1::RemoveGroupReply>> remove_group(v1::RemoveGroupRequest request) = 0;
  virtual net::Task<Result<v1::ProbeReply>> probe_instance(v1::ProbeRequest request) = 0;
  virtual net::Task<Result<v1::InstanceReply>> hold_instance(v1::InstanceRequest request) = 0;
  virtual net::Task<Result<v1::InstanceReply>> start_instance(v1::StartInstanceRequest request) = 0;
  virtual net::Task<Result<v1::InstanceReply>> stop_instance(v1::InstanceRequest request) = 0;
  virtual net::Task<Result<v1::ListReply>> list(v1::ListRequest request) = 0;
  virtual net::Task<Status> watch(SinkPtr<v1::InstanceEvent> sink) = 0;
  virtual net::Task<Status> logs(v1::LogsRequest request, SinkPtr<v1::LogLine> sink) = 0;
  virtual net::Task<Status> gather(v1::GatherRequest request, SinkPtr<v1::LogBatch> sink) = 0;
  virtual net::Task<Result<v1::StatsReply>> stats(v1::StatsRequest request) = 0;
  virtual net::Task<Status> run_once(v1::RunOnceRequest request, SinkPtr<v1::RunEvent> sink) = 0;
  // The result's reasons: pull_failed | invalid_image | timeout.
  virtual net::Task<Status> pull_image(v1::PullImageRequest request, SinkPtr<v1::BuildEvent> sink) = 0;
  virtual net::Task<Result<v1::PruneBuildsReply>> prune_builds(v1::PruneBuildsRequest request) = 0;
  virtual net::Task<Result<v1::ListImagesReply>> list_images(v1::ListImagesRequest request) = 0;
  virtual net::Task<Result<v1::RemoveImageReply>> remove_image(v1::RemoveImageRequest request) = 0;
  virtual net::Task<Result<v1::Volume>> ensure_volume(v1::VolumeRequest request) = 0;
  virtual net::Task<Result<v1::ListVolumesReply>> list_volumes(v1::ListVolumesRequest request) = 0;
  virtual net::Task<Result<v1::RemoveVolumeReply>> remove_volume(v1::VolumeRequest request) = 0;
  virtual net::Task<Result<v1::RemoveProjectReply>> remove_project(v1::RemoveProjectRequest request) = 0;
};

}  // namespace paastech::pomegranate
