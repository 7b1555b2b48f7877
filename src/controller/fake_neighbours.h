#pragma once
// For tests: the roles that the controller asks, speaking real gRPC in this process. They keep a journal of what they
// were asked, and gates hold them at the moments that matter. Thread: gRPC's, and the test's.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "controller/grpc_ports.h"

namespace paastech::controller {

using namespace std::chrono_literals;

// What the neighbours were asked, in order. Thread: any.
class Journal {
 public:
  void add(std::string entry);
  std::vector<std::string> all() const;
  std::ptrdiff_t count(const std::string& entry) const { return std::ranges::count(all(), entry); }
  // The place of the last such entry, or -1.
  std::ptrdiff_t last(const std::string& entry) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> entries_;
};

// Holds calls while it is closed. Thread: any.
class Gate {
 public:
  void close() { open_ = false; }
  void open() { open_ = true; }
  bool pass(grpc::ServerContext* call) const {  // false: the caller has given up
    while (!open_ && !call->IsCancelled()) std::this_thread::sleep_for(1ms);
    return !call->IsCancelled();
  }

 private:
  std::atomic<bool> open_ = true;
};

class FakeEngine final : public engine::Pomegranate::Service {
 public:
  explicit FakeEngine(Journal& journal) : journal_(journal) {}

  grpc::Status Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                        engine::EngineDescription* reply) override;
  grpc::Status PruneBuilds(grpc::ServerContext*, const engine::PruneBuildsRequest* request,
                           engine::PruneBuildsReply*) override;

  grpc::Status Build(grpc::ServerContext* call,
                     grpc::ServerReaderWriter<engine::BuildEvent, engine::BuildRequest>* stream) override;

  grpc::Status EnsureGroup(grpc::ServerContext* call, const engine::InstanceGroup* group,
                           grpc::ServerWriter<engine::GroupEvent>* writer) override;

  grpc::Status RemoveGroup(grpc::ServerContext*, const engine::RemoveGroupRequest* request,
                           engine::RemoveGroupReply*) override;

  grpc::Status List(grpc::ServerContext* call, const engine::ListRequest* request, engine::ListReply* reply) override;

  grpc::Status Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                     grpc::ServerWriter<engine::InstanceEvent>* writer) override;

  grpc::Status HoldInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                            engine::InstanceReply*) override;
  grpc::Status StopInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                            engine::InstanceReply*) override;
  grpc::Status ProbeInstance(grpc::ServerContext*, const engine::ProbeRequest* request,
                             engine::ProbeReply* reply) override;
  grpc::Status RunOnce(grpc::ServerContext*, const engine::RunOnceRequest* request,
                       grpc::ServerWriter<engine::RunEvent>* writer) override;

  grpc::Status ListImages(grpc::ServerContext*, const engine::ListImagesRequest*,
                          engine::ListImagesReply* reply) override;

  grpc::Status RemoveImage(grpc::ServerContext*, const engine::RemoveImageRequest* request,
                           engine::RemoveImageReply*) override;

  grpc::Status RemoveProject(grpc::ServerContext*, const engine::RemoveProjectRequest* request,
                             engine::RemoveProjectReply* reply) override;

  void add_instance(const std::string& project, std::int64_t number, const std::string& process = "web", int index = 0);
  // It ends by itself, and the Engine says so.
  void end_instance(const std::string& project, std::int64_t number, const std::string& process, int index, int code,
                    bool told = true);
  // The kernel kills one of its processes for memory, and the Engine says so; what follows is another call's.
  void kill_for_memory(const std::string& project, std::int64_t number, const std::string& process, int index);
  // It was started anew and is not known to be ready, as where who waited for that was killed.
  void forget_ready(const std::string& project, std::int64_t number, const std::string& process, int index);
  void add_image(const std::string& image);
  void lose_image(const std::string& image);
  bool has_image(const std::string& image) const;
  // The Deployment of each Instance there is.
  std::vector<std::int64_t> running(const std::string& project) const;
  bool stands_still(const std::string& project) const;  // none of its Instances runs
  std::size_t most() const {                            // Instances at once
    const std::scoped_lock lock(mutex_);
    return most_;
  }
  engine::InstanceGroup group(std::int64_t number, const std::string& process = "web") const;
  std::string variable(std::int64_t number, const std::string& name) const;

  Gate build_gate;                      // passed before a build's result, when its image is there already
  Gate ensure_gate;                     // passed before a group is ready
  Gate list_gate;                       // passed before a comparison of all Projects gets its answer
  std::atomic<std::int64_t> fails = 0;  // the Deployment whose Instance exits
  std::atomic<int> fails_index = -1;    // of it; -1: all
  std::atomic<bool> build_fails = false;
  std::atomic<int> images_removed = 0;  // so many builds fail for an image that went while the cache was looked at
  std::atomic<bool> down = false;
  std::atomic<int> watches = 0;  // a change ends the running Watch calls
  std::atomic<bool> watching = false;
  std::atomic<bool> alive = true;                    // what a liveness probe finds
  std::atomic<std::int64_t> running_ms = 3'600'000;  // since when it says that the Instance runs
  std::atomic<int> release_code = 0;
  std::atomic<std::int64_t> overfull = 0;  // what an Instance that ends had written
  std::atomic<int> disk_used = 10;         // percent
  std::atomic<int> grace_seconds = -1;     // that what was stopped last was asked to end within

 private:
  static grpc::Status unavailable() { return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"}; }
  static std::string named(std::int64_t number, const std::string& process, int figure);
  static engine::Instance instance(const std::string& project, std::int64_t number, const std::string& process,
                                   int index);
  std::vector<engine::InstanceEvent> events() const;
  void tell(const std::string& kind, const engine::Instance& one, int code);  // held to mutex_
  Journal& journal_;
  mutable std::mutex mutex_;
  std::map<std::tuple<std::string, std::int64_t, std::string, int>, engine::Instance> instances_;
  std::map<std::pair<std::int64_t, std::string>, engine::InstanceGroup> groups_;
  std::vector<engine::InstanceEvent> events_;
  std::size_t most_ = 0;
  std::set<std::string> images_;
};

class FakeRepositories final : public repos::Repositories::Service {
 public:
  explicit FakeRepositories(Journal& journal) : journal_(journal) {}
  grpc::Status Create(grpc::ServerContext*, const repos::CreateRequest*, repos::CreateReply*) override;
  grpc::Status Remove(grpc::ServerContext*, const repos::RemoveRequest*, repos::RemoveReply*) override;
  grpc::Status ReadFiles(grpc::ServerContext* call, const repos::ReadFilesRequest* request,
                         repos::ReadFilesReply* reply) override;
  grpc::Status Archive(grpc::ServerContext*, const repos::ArchiveRequest*,
                       grpc::ServerWriter<repos::ArchiveChunk>* writer) override;
  grpc::Status Size(grpc::ServerContext*, const repos::SizeRequest* request, repos::SizeReply* reply) override;
  Gate read_gate;
  std::map<std::string, std::string> files = {};  // beside the Dockerfile; laid down before they are asked for
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
};

}  // namespace paastech::controller
