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

#include "controller/ports.h"

namespace paastech::controller {

using namespace std::chrono_literals;

// What the neighbours were asked, in order. Thread: any.
class Journal {
 public:
  void add(std::string entry) {
    const std::scoped_lock lock(mutex_);
    entries_.push_back(std::move(entry));
  }
  std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return entries_;
  }
  std::ptrdiff_t count(const std::string& entry) const { return std::ranges::count(all(), entry); }
  // The place of the last such entry, or -1.
  std::ptrdiff_t last(const std::string& entry) const {
    const std::vector<std::string> entries = all();
    for (std::ptrdiff_t i = std::ssize(entries) - 1; i >= 0; --i)
      if (entries[static_cast<std::size_t>(i)] == entry) return i;
    return -1;
  }

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

  grpc::Status Build(grpc::ServerContext* call,
                     grpc::ServerReaderWriter<engine::BuildEvent, engine::BuildRequest>* stream) override {
    engine::BuildRequest part;
    stream->Read(&part);
    const engine::BuildSpec spec = part.spec();
    const std::string number = std::to_string(spec.deployment());
    journal_.add("build " + number);
    while (stream->Read(&part)) {
    }
    const std::string image = "paastech/" + spec.project() + ":" + number;
    add_image(image);
    if (!build_gate.pass(call)) {
      journal_.add("build cancelled " + number);
      return grpc::Status::CANCELLED;
    }
    engine::BuildEvent event;
    event.set_line("Step 1/1");
    stream->Write(event);
    event.mutable_result()->set_ok(!build_fails);
    event.mutable_result()->set_image(image);
    if (build_fails) event.mutable_result()->set_reason("build_failed");
    if (build_fails) event.mutable_result()->set_message("the build failed");
    stream->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status EnsureGroup(grpc::ServerContext* call, const engine::InstanceGroup* group,
                           grpc::ServerWriter<engine::GroupEvent>* writer) override {
    if (down) return unavailable();
    const std::int64_t number = group->deployment();
    journal_.add("ensure " + std::to_string(number));
    {
      const std::scoped_lock lock(mutex_);
      groups_[number] = *group;
      instances_[{group->project(), number}] = instance(group->project(), number);
    }
    if (!ensure_gate.pass(call)) return grpc::Status::CANCELLED;
    engine::GroupEvent event;
    if (number == fails) {
      event.mutable_failed()->set_reason("exited");
      event.mutable_failed()->set_message("the Instance exited with code 1");
      event.mutable_failed()->add_last_lines("boom");
    } else {
      *event.mutable_ready()->add_instances() = instance(group->project(), number);
    }
    writer->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status RemoveGroup(grpc::ServerContext*, const engine::RemoveGroupRequest* request,
                           engine::RemoveGroupReply*) override {
    if (down) return unavailable();
    journal_.add("remove " + std::to_string(request->deployment()));
    const std::scoped_lock lock(mutex_);
    instances_.erase({request->project(), request->deployment()});
    return grpc::Status::OK;
  }

  grpc::Status List(grpc::ServerContext* call, const engine::ListRequest* request, engine::ListReply* reply) override {
    if (down) return unavailable();
    if (request->project().empty() && !list_gate.pass(call)) return grpc::Status::CANCELLED;
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, one] : instances_)
      if (request->project().empty() || key.first == request->project()) *reply->add_instances() = one;
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                     grpc::ServerWriter<engine::InstanceEvent>*) override {
    const int session = watches;
    while (!call->IsCancelled() && session == watches) std::this_thread::sleep_for(1ms);
    return unavailable();
  }

  grpc::Status ListImages(grpc::ServerContext*, const engine::ListImagesRequest*,
                          engine::ListImagesReply* reply) override {
    const std::scoped_lock lock(mutex_);
    for (const std::string& image : images_) reply->add_images()->set_reference(image);
    journal_.add("list images");
    return grpc::Status::OK;
  }

  grpc::Status RemoveImage(grpc::ServerContext*, const engine::RemoveImageRequest* request,
                           engine::RemoveImageReply*) override {
    const std::scoped_lock lock(mutex_);
    images_.erase(request->reference());
    return grpc::Status::OK;
  }

  grpc::Status RemoveProject(grpc::ServerContext*, const engine::RemoveProjectRequest* request,
                             engine::RemoveProjectReply* reply) override {
    if (down) return unavailable();
    journal_.add("remove project " + request->project());
    const std::scoped_lock lock(mutex_);
    reply->set_containers(static_cast<int>(
        std::erase_if(instances_, [&](const auto& each) { return each.first.first == request->project(); })));
    return grpc::Status::OK;
  }

  void add_instance(const std::string& project, std::int64_t number) {
    const std::scoped_lock lock(mutex_);
    instances_[{project, number}] = instance(project, number);
  }
  void add_image(const std::string& image) {
    const std::scoped_lock lock(mutex_);
    images_.insert(image);
  }
  bool has_image(const std::string& image) const {
    const std::scoped_lock lock(mutex_);
    return images_.contains(image);
  }
  std::vector<std::int64_t> running(const std::string& project) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::int64_t> numbers;
    for (const auto& [key, one] : instances_)
      if (key.first == project) numbers.push_back(key.second);
    return numbers;
  }
  engine::InstanceGroup group(std::int64_t number) const {
    const std::scoped_lock lock(mutex_);
    return groups_.at(number);
  }
  std::string variable(std::int64_t number, const std::string& name) const {
    const engine::InstanceGroup asked = group(number);
    for (const engine::EnvironmentVariable& each : asked.environment())
      if (each.name() == name) return each.value();
    return "(unset)";
  }

  Gate build_gate;                      // passed before a build's result, when its image is there already
  Gate ensure_gate;                     // passed before a group is ready
  Gate list_gate;                       // passed before a comparison of all Projects gets its answer
  std::atomic<std::int64_t> fails = 0;  // the Deployment whose Instance exits
  std::atomic<bool> build_fails = false;
  std::atomic<bool> down = false;
  std::atomic<int> watches = 0;  // a change ends the running Watch calls

 private:
  static grpc::Status unavailable() { return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"}; }
  static engine::Instance instance(const std::string& project, std::int64_t number) {
    engine::Instance one;
    one.set_project(project);
    one.set_deployment(number);
    one.set_process("web");
    one.set_state("running");
    one.set_address("10.0.0." + std::to_string(number));
    one.set_port(80);
    return one;
  }
  Journal& journal_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::int64_t>, engine::Instance> instances_;
  std::map<std::int64_t, engine::InstanceGroup> groups_;
  std::set<std::string> images_;
};

class FakeRepositories final : public repos::Repositories::Service {
 public:
  explicit FakeRepositories(Journal& journal) : journal_(journal) {}
  grpc::Status Create(grpc::ServerContext*, const repos::CreateRequest*, repos::CreateReply*) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
    journal_.add("create repository");
    return grpc::Status::OK;
  }
  grpc::Status Remove(grpc::ServerContext*, const repos::RemoveRequest*, repos::RemoveReply*) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
    journal_.add("remove repository");
    return grpc::Status::OK;
  }
  grpc::Status ReadFiles(grpc::ServerContext* call, const repos::ReadFilesRequest* request,
                         repos::ReadFilesReply* reply) override {
    journal_.add("read files");
    if (!read_gate.pass(call)) return grpc::Status::CANCELLED;
    for (const std::string& path : request->paths()) {
      repos::TreeFile& file = *reply->add_files();
      file.set_path(path);
      file.set_kind(path == "Dockerfile" ? "file" : "missing");
    }
    reply->set_subject("A commit");
    return grpc::Status::OK;
  }
  grpc::Status Archive(grpc::ServerContext*, const repos::ArchiveRequest*,
                       grpc::ServerWriter<repos::ArchiveChunk>* writer) override {
    repos::ArchiveChunk chunk;
    chunk.set_data("tar");
    writer->Write(chunk);
    return grpc::Status::OK;
  }
  grpc::Status Size(grpc::ServerContext*, const repos::SizeRequest* request, repos::SizeReply* reply) override {
    if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
    reply->set_bytes(100 * request->project_ids_size());
    return grpc::Status::OK;
  }
  Gate read_gate;
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
};

class FakeRouter final : public router::Router::Service {
 public:
  explicit FakeRouter(Journal& journal) : journal_(journal) {}
  grpc::Status Publish(grpc::ServerContext* call, const router::RouteTable* table, router::PublishReply*) override {
    if (down) {
      journal_.add("publish refused");
      return {grpc::StatusCode::UNAVAILABLE, "the ingress does not answer"};
    }
    journal_.add("publish asked");
    if (!publish_gate.pass(call)) return grpc::Status::CANCELLED;
    const std::scoped_lock lock(mutex_);
    if (table->version() < table_.version()) return {grpc::StatusCode::FAILED_PRECONDITION, "an older table"};
    table_ = *table;
    journal_.add("publish");
    const auto leads_nowhere = [](const router::Route& route) { return route.backends().empty(); };
    if (std::ranges::all_of(table->routes(), leads_nowhere)) journal_.add("publish of nothing");
    return grpc::Status::OK;
  }
  grpc::Status Drain(grpc::ServerContext* call, const router::DrainRequest* request, router::DrainReply*) override {
    for (const router::Backend& backend : request->backends())
      journal_.add("drain " + std::to_string(backend.deployment()));
    return drain_gate.pass(call) ? grpc::Status::OK : grpc::Status::CANCELLED;
  }
  grpc::Status Statistics(grpc::ServerContext*, const router::StatisticsRequest*,
                          router::StatisticsReply* reply) override {
    const std::scoped_lock lock(mutex_);
    reply->set_table_version(table_.version());
    return grpc::Status::OK;
  }
  // The Deployments that each host of the Project leads to; nothing where it has no host.
  std::optional<std::vector<std::int64_t>> routed(const std::string& project) const {
    const std::scoped_lock lock(mutex_);
    std::optional<std::vector<std::int64_t>> found;
    for (const router::Route& route : table_.routes()) {
      if (route.project() != project) continue;
      found.emplace();
      for (const router::Backend& backend : route.backends()) found->push_back(backend.deployment());
    }
    return found;
  }
  Gate publish_gate;
  Gate drain_gate;
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
  mutable std::mutex mutex_;
  router::RouteTable table_;
};

}  // namespace paastech::controller
