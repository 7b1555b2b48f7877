#include "controller/fake_neighbours.h"

#include "controller/groups.h"

namespace paastech::controller {

void Journal::add(std::string entry) {
  const std::scoped_lock lock(mutex_);
  entries_.push_back(std::move(entry));
}

std::vector<std::string> Journal::all() const {
  const std::scoped_lock lock(mutex_);
  return entries_;
}

std::ptrdiff_t Journal::last(const std::string& entry) const {
  const std::vector<std::string> entries = all();
  for (std::ptrdiff_t i = std::ssize(entries) - 1; i >= 0; --i)
    if (entries[static_cast<std::size_t>(i)] == entry) return i;
  return -1;
}

grpc::Status FakeEngine::Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                                  engine::EngineDescription* reply) {
  if (down) return unavailable();
  reply->set_disk_total_bytes(100);
  reply->set_disk_free_bytes(100 - disk_used);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::PruneBuilds(grpc::ServerContext*, const engine::PruneBuildsRequest* request,
                                     engine::PruneBuildsReply*) {
  if (down) return unavailable();
  journal_.add("prune " + std::to_string(request->keep_bytes()));
  return grpc::Status::OK;
}

grpc::Status FakeEngine::Build(grpc::ServerContext* call,
                               grpc::ServerReaderWriter<engine::BuildEvent, engine::BuildRequest>* stream) {
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
  if (images_removed > 0) {
    --images_removed;
    event.mutable_result()->set_ok(false);
    event.mutable_result()->set_reason("image_removed");
    event.mutable_result()->set_message("an image was removed");
  }
  stream->Write(event);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::EnsureGroup(grpc::ServerContext* call, const engine::InstanceGroup* group,
                                     grpc::ServerWriter<engine::GroupEvent>* writer) {
  if (down) return unavailable();
  const std::int64_t number = group->deployment();
  journal_.add("ensure " + named(number, group->process(), group->count()));
  engine::GroupEvent event;
  {
    const std::scoped_lock lock(mutex_);
    groups_[{number, group->process()}] = *group;
    for (int index = 0; index < group->count(); ++index) {
      if (!group->index().empty() && std::ranges::count(group->index(), index) == 0) continue;
      if (number == fails && index == fails_index) continue;
      engine::Instance& one = instances_[{group->project(), number, group->process(), index}];
      one = instance(group->project(), number, group->process(), index);
      *event.mutable_ready()->add_instances() = one;
    }
    most_ = std::max(most_, instances_.size());
  }
  if (!ensure_gate.pass(call)) return grpc::Status::CANCELLED;
  if (number == fails) {
    const engine::GroupReady others = event.ready();
    if (fails_index >= 0) {
      event.mutable_failed()->add_index(fails_index);
      *event.mutable_failed()->mutable_ready() = others.instances();
    }
    event.mutable_failed()->set_reason("exited");
    event.mutable_failed()->set_message("the Instance exited with code 1");
    event.mutable_failed()->add_last_lines("boom");
  }
  writer->Write(event);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::RemoveGroup(grpc::ServerContext*, const engine::RemoveGroupRequest* request,
                                     engine::RemoveGroupReply*) {
  if (down) return unavailable();
  const std::string which = request->process().empty() ? "" : " " + request->process();
  journal_.add((request->only_stop() ? "stop " : "remove ") + std::to_string(request->deployment()) + which);
  const std::scoped_lock lock(mutex_);
  for (auto at = instances_.begin(); at != instances_.end();) {
    const engine::Instance& one = at->second;
    const bool asked = one.project() == request->project() && asked_for(*request, one);
    if (asked && at->second.state() == "running") {
      grace_seconds = request->grace_seconds();
      tell("die", at->second, 143);
    }
    if (asked && request->only_stop()) at->second.set_state("exited");
    if (asked && !request->only_stop()) tell("destroy", at->second, 0);
    at = asked && !request->only_stop() ? instances_.erase(at) : std::next(at);
  }
  return grpc::Status::OK;
}

grpc::Status FakeEngine::List(grpc::ServerContext* call, const engine::ListRequest* request, engine::ListReply* reply) {
  if (down) return unavailable();
  if (request->project().empty() && !list_gate.pass(call)) return grpc::Status::CANCELLED;
  const std::scoped_lock lock(mutex_);
  for (const auto& [key, one] : instances_)
    if (request->project().empty() || one.project() == request->project()) *reply->add_instances() = one;
  return grpc::Status::OK;
}

grpc::Status FakeEngine::Watch(grpc::ServerContext* call, const engine::WatchRequest*,
                               grpc::ServerWriter<engine::InstanceEvent>* writer) {
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

grpc::Status FakeEngine::HoldInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                                      engine::InstanceReply*) {
  journal_.add("hold " + named(request->deployment(), request->process(), request->index()));
  return grpc::Status::OK;
}

grpc::Status FakeEngine::StopInstance(grpc::ServerContext*, const engine::InstanceRequest* request,
                                      engine::InstanceReply*) {
  journal_.add("stop " + named(request->deployment(), request->process(), request->index()));
  end_instance(request->project(), request->deployment(), request->process(), request->index(), 143);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::ProbeInstance(grpc::ServerContext*, const engine::ProbeRequest* request,
                                       engine::ProbeReply* reply) {
  journal_.add("probe " + request->probe().http_path());
  reply->set_well(alive);
  reply->set_running_ms(running_ms);
  reply->set_detail("GET " + request->probe().http_path() + " answered " + (alive ? "200" : "500"));
  return grpc::Status::OK;
}

grpc::Status FakeEngine::RunOnce(grpc::ServerContext*, const engine::RunOnceRequest* request,
                                 grpc::ServerWriter<engine::RunEvent>* writer) {
  std::string words;
  for (const std::string& word : request->command()) words += " " + word;
  journal_.add("run" + words);
  engine::RunEvent event;
  if (!has_image(request->image())) return {grpc::StatusCode::NOT_FOUND, "No such image"};
  event.set_line("released");
  writer->Write(event);
  event.set_exit_code(release_code);
  writer->Write(event);
  return grpc::Status::OK;
}

grpc::Status FakeEngine::ListImages(grpc::ServerContext*, const engine::ListImagesRequest*,
                                    engine::ListImagesReply* reply) {
  if (down) return unavailable();
  const std::scoped_lock lock(mutex_);
  for (const std::string& image : images_) reply->add_images()->set_reference(image);
  journal_.add("list images");
  return grpc::Status::OK;
}

grpc::Status FakeEngine::RemoveImage(grpc::ServerContext*, const engine::RemoveImageRequest* request,
                                     engine::RemoveImageReply*) {
  const std::scoped_lock lock(mutex_);
  images_.erase(request->reference());
  return grpc::Status::OK;
}

grpc::Status FakeEngine::RemoveProject(grpc::ServerContext*, const engine::RemoveProjectRequest* request,
                                       engine::RemoveProjectReply* reply) {
  if (down) return unavailable();
  journal_.add("remove project " + request->project());
  const std::scoped_lock lock(mutex_);
  reply->set_containers(static_cast<int>(
      std::erase_if(instances_, [&](const auto& each) { return each.second.project() == request->project(); })));
  return grpc::Status::OK;
}

void FakeEngine::add_instance(const std::string& project, std::int64_t number, const std::string& process, int index) {
  const std::scoped_lock lock(mutex_);
  instances_[{project, number, process, index}] = instance(project, number, process, index);
}

void FakeEngine::forget_ready(const std::string& project, std::int64_t number, const std::string& process, int index) {
  const std::scoped_lock lock(mutex_);
  instances_.at({project, number, process, index}).set_kept(false);
}

void FakeEngine::end_instance(const std::string& project, std::int64_t number, const std::string& process, int index,
                              int code, bool told) {
  const std::scoped_lock lock(mutex_);
  engine::Instance& one = instances_[{project, number, process, index}];
  one = instance(project, number, process, index);
  one.set_state("exited");
  one.set_exit_code(code);
  one.set_overfull_bytes(overfull);
  one.set_disk_limit_bytes(overfull > 0 ? 256 << 20 : 0);
  one.clear_address();
  if (told) tell("die", one, code);
}

void FakeEngine::kill_for_memory(const std::string& project, std::int64_t number, const std::string& process,
                                 int index) {
  const std::scoped_lock lock(mutex_);
  tell("oom", instances_[{project, number, process, index}], 0);
}

void FakeEngine::tell(const std::string& kind, const engine::Instance& one, int code) {
  engine::InstanceEvent event;
  event.set_kind(kind);
  *event.mutable_instance() = one;
  event.mutable_instance()->set_exit_code(code);
  events_.push_back(event);
}

void FakeEngine::add_image(const std::string& image) {
  const std::scoped_lock lock(mutex_);
  images_.insert(image);
}

void FakeEngine::lose_image(const std::string& image) {
  const std::scoped_lock lock(mutex_);
  images_.erase(image);
}

bool FakeEngine::has_image(const std::string& image) const {
  const std::scoped_lock lock(mutex_);
  return images_.contains(image);
}

std::vector<std::int64_t> FakeEngine::running(const std::string& project) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::int64_t> numbers;
  for (const auto& [key, one] : instances_)
    if (one.project() == project) numbers.push_back(one.deployment());
  return numbers;
}

bool FakeEngine::stands_still(const std::string& project) const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::none_of(instances_, [&](const auto& entry) {
    return entry.second.project() == project && entry.second.state() == "running";
  });
}

engine::InstanceGroup FakeEngine::group(std::int64_t number, const std::string& process) const {
  const std::scoped_lock lock(mutex_);
  return groups_.at({number, process});
}

std::string FakeEngine::variable(std::int64_t number, const std::string& name) const {
  const engine::InstanceGroup asked = group(number);
  for (const engine::EnvironmentVariable& each : asked.environment())
    if (each.name() == name) return each.value();
  return "(unset)";
}

std::string FakeEngine::named(std::int64_t number, const std::string& process, int figure) {
  const bool plain = process == "web" && figure == 1;
  return std::to_string(number) + (plain ? "" : " " + process + " " + std::to_string(figure));
}

engine::Instance FakeEngine::instance(const std::string& project, std::int64_t number, const std::string& process,
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

std::vector<engine::InstanceEvent> FakeEngine::events() const {
  const std::scoped_lock lock(mutex_);
  return events_;
}

grpc::Status FakeRepositories::Create(grpc::ServerContext*, const repos::CreateRequest*, repos::CreateReply*) {
  if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
  journal_.add("create repository");
  return grpc::Status::OK;
}

grpc::Status FakeRepositories::Remove(grpc::ServerContext*, const repos::RemoveRequest*, repos::RemoveReply*) {
  if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
  journal_.add("remove repository");
  return grpc::Status::OK;
}

grpc::Status FakeRepositories::ReadFiles(grpc::ServerContext* call, const repos::ReadFilesRequest* request,
                                         repos::ReadFilesReply* reply) {
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

grpc::Status FakeRepositories::Archive(grpc::ServerContext*, const repos::ArchiveRequest*,
                                       grpc::ServerWriter<repos::ArchiveChunk>* writer) {
  repos::ArchiveChunk chunk;
  chunk.set_data("tar");
  writer->Write(chunk);
  return grpc::Status::OK;
}

grpc::Status FakeRepositories::Size(grpc::ServerContext*, const repos::SizeRequest* request, repos::SizeReply* reply) {
  if (down) return {grpc::StatusCode::UNAVAILABLE, "the git role does not answer"};
  reply->set_bytes(100 * request->project_ids_size());
  return grpc::Status::OK;
}

}  // namespace paastech::controller
