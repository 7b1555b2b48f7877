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

  grpc::Status Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                        engine::EngineDescription* reply) override {
    if (down) return unavailable();
    reply->set_disk_total_bytes(100);
    reply->set_disk_free_bytes(100 - disk_used);
    return grpc::Status::OK;
  }
  grpc::Status PruneBuilds(grpc::ServerContext*, const engine::PruneBuildsRequest* request,
                           engine::PruneBuildsReply*) override {
    if (down) return unavailable();
    journal_.add("prune " + std::to_string(request->keep_bytes()));
    return grpc::Status::OK;
  }

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
    journal_.add("ensure " + named(number, group->process(), group->count()));
    engine::GroupEvent event;
    {
      const std::scoped_lock lock(mutex_);
      groups_[{number, group->process()}] = *group;
      for (int index = 0; index < group->count(); ++index) {
        engine::Instance& one = instances_[{group->project(), number, group->process(), index}];
        one = instance(group->project(), number, group->process(), index);
        *event.mutable_ready()->add_instances() = one;
      }
      most_ = std::max(most_, instances_.size());
    }
    if (!ensure_gate.pass(call)) return grpc::Status::CANCELLED;
    if (number == fails) {
      event.mutable_failed()->set_reason("exited");
      event.mutable_failed()->set_message("the Instance exited with code 1");
      event.mutable_failed()->add_last_lines("boom");
    }
    writer->Write(event);
    return grpc::Status::OK;
  }

  grpc::Status RemoveGroup(grpc::ServerContext*, const engine::RemoveGroupRequest* request,
                           engine::RemoveGroupReply*) override {
    if (down) return unavailable();
    const std::string which = request->process().empty() ? "" : " " + request->process();
    journal_.add((request->only_stop() ? "stop " : "remove ") + std::to_string(request->deployment()) + which);
    const std::scoped_lock lock(mutex_);
    for (auto at = instances_.begin(); at != instances_.end();) {
      const engine::Instance& one = at->second;
      const bool listed = request->index().empty() || std::ranges::count(request->index(), one.index()) > 0;
      const bool asked = one.project() == request->project() && one.deployment() == request->deployment() &&
                         (request->process().empty() || request->process() == one.process()) && listed &&
                         one.index() >= request->from_index();
      if (asked && request->only_stop()) at->second.set_state("exited");
      at = asked && !request->only_stop() ? instances_.erase(at) : std::next(at);
    }
    return grpc::Status::OK;
  }

  grpc::Status List(grpc::ServerContext* call, const engine::ListRequest* request, engine::ListReply* reply) override {
    if (down) return unavailable();
    if (request->project().empty() && !list_gate.pass(call)) return grpc::Status::CANCELLED;
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, one] : instances_)
      if (request->project().empty() || one.project() == request->project()) *reply->add_instances() = one;
    return grpc::Status::OK;
  }

  grpc::Status Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                     grpc::ServerWriter<engine::InstanceEvent>* writer) override {
    const int session = watches;
    std::size_t told = events().size();
    watching = true;
    while (!call->IsCancelled() && session == watches) {
      const std::vector<engine::InstanceEvent> all = events();
      for (; told < all.size(); ++told) writer->Write(all[told]);
      std::this_thread::sleep_for(1ms);
    }
    watching = false;
    return unavailable();
  }

  grpc::Status HoldInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                            engine::InstanceReply*) override {
    journal_.add("hold " + named(request->deployment(), request->process(), request->index()));
    return grpc::Status::OK;
  }
  grpc::Status StopInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                            engine::InstanceReply*) override {
    journal_.add("stop " + named(request->deployment(), request->process(), request->index()));
    end_instance(request->project(), request->deployment(), request->process(), request->index(), 143);
    return grpc::Status::OK;
  }
  grpc::Status ProbeInstance(grpc::ServerContext*, const engine::ProbeRequest* request,
                             engine::ProbeReply* reply) override {
    journal_.add("probe " + request->probe().http_path());
    reply->set_well(alive);
    reply->set_detail("GET " + request->probe().http_path() + " answered " + (alive ? "200" : "500"));
    return grpc::Status::OK;
  }
  grpc::Status RunOnce(grpc::ServerContext*, const engine::RunOnceRequest* request,
                       grpc::ServerWriter<engine::RunEvent>* writer) override {
    std::string words;
    for (const std::string& word : request->command()) words += " " + word;
    journal_.add("run" + words);
    engine::RunEvent event;
    event.set_line("released");
    writer->Write(event);
    event.set_exit_code(release_code);
    writer->Write(event);
    return grpc::Status::OK;
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
        std::erase_if(instances_, [&](const auto& each) { return each.second.project() == request->project(); })));
    return grpc::Status::OK;
  }

  void add_instance(const std::string& project, std::int64_t number, const std::string& process = "web",
                    int index = 0) {
    const std::scoped_lock lock(mutex_);
    instances_[{project, number, process, index}] = instance(project, number, process, index);
  }
  // It ends by itself, and the Engine says so.
  void end_instance(const std::string& project, std::int64_t number, const std::string& process, int index, int code,
                    bool told = true) {
    const std::scoped_lock lock(mutex_);
    engine::Instance& one = instances_[{project, number, process, index}];
    one = instance(project, number, process, index);
    one.set_state("exited");
    one.set_exit_code(code);
    one.clear_address();
    engine::InstanceEvent event;
    event.set_kind("die");
    *event.mutable_instance() = one;
    if (told) events_.push_back(event);
  }
  void add_image(const std::string& image) {
    const std::scoped_lock lock(mutex_);
    images_.insert(image);
  }
  bool has_image(const std::string& image) const {
    const std::scoped_lock lock(mutex_);
    return images_.contains(image);
  }
  // The Deployment of each Instance there is.
  std::vector<std::int64_t> running(const std::string& project) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::int64_t> numbers;
    for (const auto& [key, one] : instances_)
      if (one.project() == project) numbers.push_back(one.deployment());
    return numbers;
  }
  std::size_t most() const {  // Instances at once
    const std::scoped_lock lock(mutex_);
    return most_;
  }
  engine::InstanceGroup group(std::int64_t number, const std::string& process = "web") const {
    const std::scoped_lock lock(mutex_);
    return groups_.at({number, process});
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
  std::atomic<bool> watching = false;
  std::atomic<bool> alive = true;  // what a liveness probe finds
  std::atomic<int> release_code = 0;
  std::atomic<int> disk_used = 10;  // percent

 private:
  static grpc::Status unavailable() { return {grpc::StatusCode::UNAVAILABLE, "the Docker Engine does not answer"}; }
  static std::string named(std::int64_t number, const std::string& process, int figure) {
    const bool plain = process == "web" && figure == 1;
    return std::to_string(number) + (plain ? "" : " " + process + " " + std::to_string(figure));
  }
  static engine::Instance instance(const std::string& project, std::int64_t number, const std::string& process,
                                   int index) {
    engine::Instance one;
    one.set_id(project + "." + std::to_string(number) + "." + process + "." + std::to_string(index));
    one.set_project(project);
    one.set_deployment(number);
    one.set_process(process);
    one.set_index(index);
    one.set_state("running");
    one.set_kept(true);
    one.set_address("10.0." + std::to_string(index) + "." + std::to_string(number));
    one.set_port(80);
    return one;
  }
  std::vector<engine::InstanceEvent> events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
  }
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
      const auto given = files.find(path);
      file.set_kind(given != files.end() || path == "Dockerfile" ? "file" : "missing");
      if (given != files.end()) file.set_content(given->second);
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
  std::map<std::string, std::string> files = {};  // beside the Dockerfile; laid down before they are asked for
  std::atomic<bool> down = false;

 private:
  Journal& journal_;
};

}  // namespace paastech::controller
