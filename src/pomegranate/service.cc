#include "pomegranate/service.h"

#include "pomegranate.grpc.pb.h"
#include "pomegranate/docker_engine.h"
#include "rpc/server.h"

namespace paastech::pomegranate {

namespace {

template <class Message>
class RpcSink final : public Sink<Message> {
 public:
  explicit RpcSink(std::shared_ptr<rpc::Writer<Message>> writer) : writer_(std::move(writer)) {}
  net::Task<bool> put(Message message) override { return writer_->write(std::move(message)); }
  bool gone() const override { return writer_->cancelled(); }
  void on_gone(std::function<void()> action) override { writer_->on_cancel(std::move(action)); }

 private:
  std::shared_ptr<rpc::Writer<Message>> writer_;
};

using BuildCall = rpc::Duplex<v1::BuildRequest, v1::BuildEvent>;

class RpcTar final : public TarSource {
 public:
  explicit RpcTar(std::shared_ptr<BuildCall> call) : call_(std::move(call)) {}
  net::Task<std::optional<std::string>> next() override {
    std::optional<v1::BuildRequest> request = co_await call_->read();
    if (!request || !request->has_tar()) co_return std::nullopt;
    co_return std::move(*request->mutable_tar());
  }

 private:
  std::shared_ptr<BuildCall> call_;
};

net::Task<Status> run_build(Engine* engine, std::shared_ptr<BuildCall> call) {
  const std::optional<v1::BuildRequest> first = co_await call->read();
  if (!first || !first->has_spec()) co_return fail(Code::kInvalidArgument, "the first message of a build is its spec");
  const std::shared_ptr<TarSource> tar = std::make_shared<RpcTar>(call);
  const SinkPtr<v1::BuildEvent> sink = std::make_shared<RpcSink<v1::BuildEvent>>(call);
  Status done = co_await engine->build(first->spec(), tar, sink);
  co_return done;
}

using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

class Service final : public v1::Pomegranate::CallbackService {
 public:
  Service(net::TaskGroup& tasks, std::unique_ptr<Engine> engine) : tasks_(tasks), engine_(std::move(engine)) {}

  Unary* Describe(Context* c, const v1::DescribeRequest*, v1::EngineDescription* a) override {
    return rpc::unary(tasks_, c, engine_->describe(), a);
  }
  grpc::ServerBidiReactor<v1::BuildRequest, v1::BuildEvent>* Build(Context* c) override {
    return rpc::duplex<v1::BuildRequest, v1::BuildEvent>(
        tasks_, c, [this](std::shared_ptr<BuildCall> call) { return run_build(engine_.get(), call); });
  }
  grpc::ServerWriteReactor<v1::GroupEvent>* EnsureGroup(Context* c, const v1::InstanceGroup* q) override {
    return streamed<v1::GroupEvent>(c, *q, &Engine::ensure_group);
  }
  Unary* RemoveGroup(Context* c, const v1::RemoveGroupRequest* q, v1::RemoveGroupReply* a) override {
    return rpc::unary(tasks_, c, engine_->remove_group(*q), a);
  }
  Unary* ProbeInstance(Context* c, const v1::ProbeRequest* q, v1::ProbeReply* a) override {
    return rpc::unary(tasks_, c, engine_->probe_instance(*q), a);
  }
  Unary* HoldInstance(Context* c, const v1::InstanceRequest* q, v1::InstanceReply* a) override {
    return rpc::unary(tasks_, c, engine_->hold_instance(*q), a);
  }
  Unary* StartInstance(Context* c, const v1::StartInstanceRequest* q, v1::InstanceReply* a) override {
    return rpc::unary(tasks_, c, engine_->start_instance(*q), a);
  }
  Unary* StopInstance(Context* c, const v1::InstanceRequest* q, v1::InstanceReply* a) override {
    return rpc::unary(tasks_, c, engine_->stop_instance(*q), a);
  }
  Unary* List(Context* c, const v1::ListRequest* q, v1::ListReply* a) override {
    return rpc::unary(tasks_, c, engine_->list(*q), a);
  }
  grpc::ServerWriteReactor<v1::InstanceEvent>* Watch(Context* c, const v1::WatchRequest*) override {
    return rpc::stream<v1::InstanceEvent>(tasks_, c, [this](std::shared_ptr<rpc::Writer<v1::InstanceEvent>> writer) {
      return engine_->watch(std::make_shared<RpcSink<v1::InstanceEvent>>(writer));
    });
  }
  grpc::ServerWriteReactor<v1::LogLine>* Logs(Context* c, const v1::LogsRequest* q) override {
    return streamed<v1::LogLine>(c, *q, &Engine::logs);
  }
  grpc::ServerWriteReactor<v1::LogBatch>* Gather(Context* c, const v1::GatherRequest* q) override {
    return streamed<v1::LogBatch>(c, *q, &Engine::gather);
  }
  Unary* Stats(Context* c, const v1::StatsRequest* q, v1::StatsReply* a) override {
    return rpc::unary(tasks_, c, engine_->stats(*q), a);
  }
  grpc::ServerWriteReactor<v1::RunEvent>* RunOnce(Context* c, const v1::RunOnceRequest* q) override {
    return streamed<v1::RunEvent>(c, *q, &Engine::run_once);
  }
  grpc::ServerWriteReactor<v1::BuildEvent>* PullImage(Context* c, const v1::PullImageRequest* q) override {
    return streamed<v1::BuildEvent>(c, *q, &Engine::pull_image);
  }
  Unary* PruneBuilds(Context* c, const v1::PruneBuildsRequest* q, v1::PruneBuildsReply* a) override {
    return rpc::unary(tasks_, c, engine_->prune_builds(*q), a);
  }
  Unary* ListImages(Context* c, const v1::ListImagesRequest* q, v1::ListImagesReply* a) override {
    return rpc::unary(tasks_, c, engine_->list_images(*q), a);
  }
  Unary* RemoveImage(Context* c, const v1::RemoveImageRequest* q, v1::RemoveImageReply* a) override {
    return rpc::unary(tasks_, c, engine_->remove_image(*q), a);
  }
  Unary* EnsureVolume(Context* c, const v1::VolumeRequest* q, v1::Volume* a) override {
    return rpc::unary(tasks_, c, engine_->ensure_volume(*q), a);
  }
  Unary* ListVolumes(Context* c, const v1::ListVolumesRequest* q, v1::ListVolumesReply* a) override {
    return rpc::unary(tasks_, c, engine_->list_volumes(*q), a);
  }
  Unary* RemoveVolume(Context* c, const v1::VolumeRequest* q, v1::RemoveVolumeReply* a) override {
    return rpc::unary(tasks_, c, engine_->remove_volume(*q), a);
  }
  Unary* RemoveProject(Context* c, const v1::RemoveProjectRequest* q, v1::RemoveProjectReply* a) override {
    return rpc::unary(tasks_, c, engine_->remove_project(*q), a);
  }

 private:
  template <class Message, class Request>
  grpc::ServerWriteReactor<Message>* streamed(Context* c, Request request,
                                              net::Task<Status> (Engine::*method)(Request, SinkPtr<Message>)) {
    return rpc::stream<Message>(tasks_, c, [this, request, method](std::shared_ptr<rpc::Writer<Message>> writer) {
      return (engine_.get()->*method)(request, std::make_shared<RpcSink<Message>>(writer));
    });
  }
  net::TaskGroup& tasks_;
  std::unique_ptr<Engine> engine_;
};

// Answers every call with the reason why there is no Engine: a wrong configuration must not look like a dead one.
class NoEngine final : public v1::Pomegranate::CallbackService {};

}  // namespace

std::unique_ptr<grpc::Service> make_service(net::TaskGroup& tasks, Options options) {
  Result<std::unique_ptr<DockerEngine>> engine = DockerEngine::make(tasks, std::move(options));
  if (!engine) {
    spdlog::critical("pomegranate: {}. {}", engine.error().message, engine.error().hint);
    return std::make_unique<NoEngine>();
  }
  tasks.spawn("tend", (*engine)->tend());
  tasks.spawn("watch disk", (*engine)->watch_disk());
  return std::make_unique<Service>(tasks, std::move(*engine));
}

}  // namespace paastech::pomegranate
