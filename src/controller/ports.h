#pragma once
// What the controller reaches: the Engine, the git role and the ingresses, as interfaces that grpc_ports.h fills and a
// simulation replaces, and its own database and files. All outlive the controller. Thread: the control-plane loop.
// Errors are those of the contracts in proto/; kUnavailable: the other side does not answer.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "controller/database_access.h"
#include "domain/route.h"
#include "logs/deployment_log.h"
#include "pomegranate.pb.h"
#include "repositories.pb.h"
#include "router.pb.h"

namespace paastech::controller {

namespace engine = paastech::pomegranate::v1;
namespace repos = paastech::repositories::v1;
namespace router = paastech::router::v1;

// How to end from outside what is under way. Whoever works sets `end` for as long as it does (Ending); ask() may come
// before that.
struct Stop {
  bool asked = false;
  std::function<void()> end = {};
  void ask() {
    asked = true;
    if (end) end();
  }
};
using StopPtr = std::shared_ptr<Stop>;

class Ending {
 public:
  Ending(StopPtr stop, std::function<void()> end) : stop_(std::move(stop)) {
    if (stop_->asked) end();
    stop_->end = std::move(end);
  }
  ~Ending() { stop_->end = nullptr; }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  StopPtr stop_;
};

using OnLine = std::function<void(const std::string&)>;
using OnEvent = std::function<void(const engine::InstanceEvent&)>;

// A folder of a commit of the Project that is built.
struct Tree {
  std::string commit;
  std::string path;
};

class EnginePort {
 public:
  virtual ~EnginePort() = default;
  virtual net::Task<Result<engine::EngineDescription>> describe() = 0;
  virtual net::Task<Result<std::vector<engine::Instance>>> list(std::string project) = 0;  // empty: all
  // The last event, which is `ready` or `failed`; progress goes to on_line.
  virtual net::Task<Result<engine::GroupEvent>> ensure_group(engine::InstanceGroup group, OnLine on_line,
                                                             StopPtr stop) = 0;
  virtual net::Task<Status> remove_group(engine::RemoveGroupRequest request) = 0;
  virtual net::Task<Result<engine::BuildResult>> build(engine::BuildSpec spec, Tree tree, OnLine on_line,
                                                       StopPtr stop) = 0;
  virtual net::Task<Result<engine::BuildResult>> pull(engine::PullImageRequest request, OnLine on_line,
                                                      StopPtr stop) = 0;
  virtual net::Task<Result<int>> run_once(engine::RunOnceRequest request, OnLine on_line, StopPtr stop) = 0;
  virtual net::Task<Status> watch(OnEvent on_event) = 0;  // ends only where the stream does
  virtual net::Task<Result<engine::ProbeReply>> probe(engine::ProbeRequest request) = 0;
  virtual net::Task<Status> hold(engine::InstanceRequest instance) = 0;
  virtual net::Task<Status> stop_instance(engine::InstanceRequest instance) = 0;
  virtual net::Task<Result<engine::ListImagesReply>> list_images(std::string project) = 0;
  virtual net::Task<Status> remove_image(std::string reference) = 0;
  virtual net::Task<Result<engine::PruneBuildsReply>> prune_builds(std::int64_t keep_bytes) = 0;
  virtual net::Task<Result<engine::RemoveProjectReply>> remove_project(std::string project, bool volumes) = 0;
};

class RepositoriesPort {
 public:
  virtual ~RepositoriesPort() = default;
  virtual net::Task<Status> create(std::string project) = 0;
  virtual net::Task<Status> remove(std::string project) = 0;
  virtual net::Task<Result<repos::ReadFilesReply>> read_files(repos::ReadFilesRequest request) = 0;
  virtual net::Task<Result<std::int64_t>> bytes(std::vector<std::string> projects) = 0;
};

class IngressPort {
 public:
  virtual ~IngressPort() = default;
  virtual net::Task<Status> publish(router::RouteTable table) = 0;
  virtual net::Task<Result<router::DrainReply>> drain(router::DrainRequest request) = 0;
  virtual net::Task<Result<std::int64_t>> table_version() = 0;
};

// Keeps what Instances print. An Instance that was stopped is removed only once its last words are kept.
class LastWords {
 public:
  virtual ~LastWords() = default;
  // At most 10 s beyond the last that comes of them, and 5 minutes in all.
  virtual net::Task<void> kept(std::vector<std::string> instance_ids) = 0;
  // Lines of a Deployment's output go beside them; process: build, release or platform.
  virtual void deployment_lines(const std::string& project, std::int64_t number, std::string_view process,
                                std::string_view lines) = 0;
  virtual net::Task<void> forget(std::string project) = 0;  // all of its lines, for good
};

struct Ports {
  DatabaseAccess& database;
  EnginePort& engine;
  RepositoriesPort& repositories;
  std::vector<IngressPort*> ingresses;
  const SecretBox& secrets;
  const logs::DeploymentLog& log;
  const Clock& clock;
  PublicAddress address;
  LastWords* last_words = nullptr;  // none: nobody keeps them
};

// Why a Deployment of a Client whose account an administrator suspended goes no further.
inline constexpr std::string_view kOwnerSuspended = "the account of the project's owner is suspended";

struct ControllerOptions {
  int builds = 2;  // at once on the whole Service
  int builds_per_client = 1;
  std::int64_t build_timeout_s = 900;
  std::int64_t build_memory_bytes = 1LL << 30;  // memory and swap together
  std::int64_t build_cache_bytes = 10LL << 30;  // what builds may leave beside the images in use
  int kept_images = 5;                          // of the last Deployments beside the current one
  int kept_snapshots = 20;  // of their environments, of the last Deployments with one of those images
  int disk_collect_percent =
      85;                        // of the Engine's disk that is used: from here on, what nobody goes back to is removed
  int disk_refuse_percent = 95;  // from here on, nothing is built
};

}  // namespace paastech::controller
