#pragma once
// The controller's neighbours by gRPC. See ports.h. Thread: the control-plane loop; the stubs outlive these.
#include "controller/ports.h"
#include "pomegranate.grpc.pb.h"
#include "repositories.grpc.pb.h"
#include "router.grpc.pb.h"

namespace paastech::controller {

class GrpcEngine final : public EnginePort {
 public:
  // repositories: where the trees of builds come from. Beside a build runs one task of the group, which sends the tree.
  GrpcEngine(engine::Pomegranate::Stub& stub, repos::Repositories::Stub& repositories, net::TaskGroup& tasks)
      : stub_(stub), repositories_(repositories), tasks_(tasks) {}
  net::Task<Result<engine::EngineDescription>> describe() override;
  net::Task<Result<std::vector<engine::Instance>>> list(std::string project) override;
  net::Task<Result<engine::GroupEvent>> ensure_group(engine::InstanceGroup group, OnLine on_line,
                                                     StopPtr stop) override;
  net::Task<Status> remove_group(engine::RemoveGroupRequest request) override;
  net::Task<Result<engine::BuildResult>> build(engine::BuildSpec spec, Tree tree, OnLine on_line,
                                               StopPtr stop) override;
  net::Task<Result<engine::BuildResult>> pull(engine::PullImageRequest request, OnLine on_line, StopPtr stop) override;
  net::Task<Result<int>> run_once(engine::RunOnceRequest request, OnLine on_line, StopPtr stop) override;
  net::Task<Status> watch(OnEvent on_event) override;
  net::Task<Result<engine::ProbeReply>> probe(engine::ProbeRequest request) override;
  net::Task<Status> hold(engine::InstanceRequest instance) override;
  net::Task<Status> stop_instance(engine::InstanceRequest instance) override;
  net::Task<Result<engine::ListImagesReply>> list_images(std::string project) override;
  net::Task<Status> remove_image(std::string reference) override;
  net::Task<Result<engine::PruneBuildsReply>> prune_builds(std::int64_t keep_bytes) override;
  net::Task<Result<engine::RemoveProjectReply>> remove_project(std::string project, bool volumes) override;

 private:
  engine::Pomegranate::Stub& stub_;
  repos::Repositories::Stub& repositories_;
  net::TaskGroup& tasks_;
};

class GrpcRepositories final : public RepositoriesPort {
 public:
  explicit GrpcRepositories(repos::Repositories::Stub& stub) : stub_(stub) {}
  net::Task<Status> create(std::string project) override;
  net::Task<Status> remove(std::string project) override;
  net::Task<Result<repos::ReadFilesReply>> read_files(repos::ReadFilesRequest request) override;
  net::Task<Result<std::int64_t>> bytes(std::vector<std::string> projects) override;

 private:
  repos::Repositories::Stub& stub_;
};

class GrpcIngress final : public IngressPort {
 public:
  explicit GrpcIngress(router::Router::Stub& stub) : stub_(stub) {}
  net::Task<Status> publish(router::RouteTable table) override;
  net::Task<Result<router::DrainReply>> drain(router::DrainRequest request) override;
  net::Task<Result<std::int64_t>> table_version() override;

 private:
  router::Router::Stub& stub_;
};

}  // namespace paastech::controller
