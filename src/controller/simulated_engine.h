#pragma once
// For the simulation: the Engine, as simulated_world.h describes its neighbours. It also knows what may not be asked of
// it any more: anything for a Project that was deleted, or for a Deployment that was cancelled.
#include "controller/groups.h"
#include "controller/simulated_world.h"

namespace paastech::controller {

class SimulatedEngine final : public EnginePort, SimulatedCalls {
 public:
  explicit SimulatedEngine(SimulatedState& state) : SimulatedCalls(state) {}

  net::Task<Result<engine::EngineDescription>> describe() override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    co_return engine::EngineDescription();
  }
  net::Task<Result<std::vector<engine::Instance>>> list(std::string project) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    std::vector<engine::Instance> out;
    for (const auto& [key, one] : state_.instances)
      if (project.empty() || key.first == project) out.push_back(one.instance);
    co_return out;
  }
  net::Task<Result<engine::GroupEvent>> ensure_group(engine::InstanceGroup group, OnLine on_line,
                                                     StopPtr stop) override {
    CO_TRY(co_await admit(group.project(), group.deployment(), "Instances", stop));
    on_line("creating");
    engine::GroupEvent out;
    engine::GroupFailed failed;
    for (int index = 0; index < group.count(); ++index) {
      if (!group.index().empty() && std::ranges::count(group.index(), index) == 0) continue;
      const SimulatedState::Key key{group.project(), {group.deployment(), group.process(), index}};
      const bool fresh = !state_.instances.contains(key);
      if (fresh || state_.instances.at(key).instance.state() != "running") begin(key, group);
      CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 400))));
      if (stop->asked) co_return fail(Code::kCancelled, "cancelled");
      const auto found = state_.instances.find(key);
      const bool lost = found == state_.instances.end() || found->second.instance.state() != "running";
      if (lost || fails()) {
        failed.set_reason("exited");
        failed.set_message("the Instance ended before it was ready");
        failed.add_index(index);
        if (!lost) state_.crash(found->second);
        continue;
      }
      found->second.ready = true;
      found->second.ready_since = net::LoopClock::now();
      found->second.instance.set_kept(true);
      *out.mutable_ready()->add_instances() = found->second.instance;
    }
    CO_TRY(after());
    if (failed.index().empty()) co_return out;
    *failed.mutable_ready() = out.ready().instances();
    *out.mutable_failed() = std::move(failed);
    co_return out;
  }
  net::Task<Status> remove_group(engine::RemoveGroupRequest which) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    for (auto at = state_.instances.begin(); at != state_.instances.end();) {
      const engine::Instance& one = at->second.instance;
      at = one.project() == which.project() && asked_for(which, one) ? remove(at) : std::next(at);
    }
    co_return after();
  }
  net::Task<Result<engine::BuildResult>> build(engine::BuildSpec spec, Tree, OnLine, StopPtr stop) override {
    CO_TRY(co_await admit(spec.project(), spec.deployment(), "a build", stop));
    state_.networks.insert(spec.project());
    CO_TRY(co_await spend(10, 2'000, stop));
    co_return image_of(spec.project(), spec.deployment(), "build_failed", "a build");
  }
  net::Task<Result<engine::BuildResult>> pull(engine::PullImageRequest request, OnLine, StopPtr stop) override {
    CO_TRY(co_await admit(request.project(), request.deployment(), "an image", stop));
    CO_TRY(co_await spend(10, 2'000, stop));
    co_return image_of(request.project(), request.deployment(), "pull_failed", request.reference());
  }
  net::Task<Result<int>> run_once(engine::RunOnceRequest request, OnLine, StopPtr stop) override {
    CO_TRY(co_await admit(request.project(), request.deployment(), "a release command", stop));
    state_.networks.insert(request.project());
    CO_TRY(co_await spend(1, 1'000, stop));
    co_return fails() ? 1 : 0;
  }
  net::Task<Status> watch(OnEvent on_event) override {
    state_.watcher = std::move(on_event);
    while (!state_.engine_down) {
      CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(500)));
    }
    state_.watcher = nullptr;
    co_return fail(Code::kUnavailable, "the Engine does not answer");
  }
  net::Task<Result<engine::ProbeReply>> probe(engine::ProbeRequest) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    engine::ProbeReply reply;
    reply.set_well(!fails());
    co_return reply;
  }
  net::Task<Status> hold(engine::InstanceRequest) override { return before(&SimulatedState::engine_down); }
  net::Task<Status> stop_instance(engine::InstanceRequest which) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    const auto found = state_.instances.find({which.project(), {which.deployment(), which.process(), which.index()}});
    if (found != state_.instances.end() && found->second.instance.state() == "running") state_.crash(found->second);
    co_return Status{};
  }
  net::Task<Result<engine::ListImagesReply>> list_images(std::string project) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    engine::ListImagesReply reply;
    for (const auto& [image, content] : state_.images)
      if (image.starts_with(images_of(project))) reply.add_images()->set_reference(image);
    co_return reply;
  }
  net::Task<Status> remove_image(std::string reference) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    state_.images.erase(reference);
    co_return after();
  }
  net::Task<Result<engine::PruneBuildsReply>> prune_builds(std::int64_t) override {
    co_return engine::PruneBuildsReply();
  }
  net::Task<Result<engine::RemoveProjectReply>> remove_project(std::string project, bool) override {
    CO_TRY(co_await before(&SimulatedState::engine_down));
    engine::RemoveProjectReply reply;
    for (auto at = state_.instances.begin(); at != state_.instances.end();) {
      at = at->first.first == project ? remove(at) : std::next(at);
    }
    std::erase_if(state_.images, [&](const auto& entry) { return entry.first.starts_with(images_of(project)); });
    state_.networks.erase(project);
    CO_TRY(after());
    co_return reply;
  }

 private:
  // What every piece of work of a Deployment begins with, and the time that it takes.
  net::Task<Status> admit(std::string project, std::int64_t number, const char* what, StopPtr stop) {
    if (stop->asked) co_return fail(Code::kCancelled, "cancelled");
    check_begun(project, number, what);
    CO_TRY(co_await before(&SimulatedState::engine_down));
    check_wanted(project, number, what);
    co_return Status{};
  }
  net::Task<Status> spend(std::int64_t from_ms, std::int64_t to_ms, StopPtr stop) {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(from_ms, to_ms))));
    if (stop->asked) co_return fail(Code::kCancelled, "cancelled");
    co_return Status{};
  }
  using Instances = std::map<SimulatedState::Key, SimulatedState::One>;

  static std::string images_of(const std::string& project) { return "paastech/" + project + ":"; }
  void check_wanted(const std::string& project, std::int64_t number, const std::string& what) {
    if (state_.gone.contains(project)) state_.violate("the deleted project " + project + " asked for " + what);
    if (state_.given_up.contains({project, number}))
      state_.violate(fmt::format("the cancelled deployment {} asked for {}", number, what));
  }
  // One that was on its way when the cancellation came may go on until it is told.
  void check_begun(const std::string& project, std::int64_t number, const std::string& what) {
    const auto asked = state_.unwanted.find({project, number});
    if (asked != state_.unwanted.end() && asked->second < net::LoopClock::now())
      state_.violate(fmt::format("deployment {} is being cancelled, and began {}", number, what));
  }
  engine::BuildResult image_of(const std::string& project, std::int64_t number, const std::string& failure,
                               const std::string& content) {
    engine::BuildResult result;
    result.set_ok(!fails());
    result.set_image(images_of(project) + std::to_string(number));
    if (result.ok())
      state_.images[result.image()] = content;
    else
      result.set_reason(failure);
    return result;
  }
  Instances::iterator remove(Instances::iterator at) {
    const engine::Instance gone = at->second.instance;
    if (gone.state() == "running" && state_.routed(gone))
      state_.violate(fmt::format("instance {} was removed while visitors were sent to it", gone.name()));
    const auto next = state_.instances.erase(at);
    state_.tell("die", gone);
    state_.tell("destroy", gone);
    return next;
  }
  void begin(const SimulatedState::Key& key, const engine::InstanceGroup& group) {
    check_wanted(group.project(), group.deployment(), "an Instance");
    state_.networks.insert(group.project());
    SimulatedState::One& one = state_.instances[key];
    one.ready = false;
    engine::Instance& instance = one.instance;
    instance.set_kept(false);
    instance.set_project(group.project());
    instance.set_deployment(group.deployment());
    instance.set_process(group.process());
    instance.set_index(key.second.index);
    if (instance.id().empty()) instance.set_id(fmt::format("container {}", ++state_.containers));  // stays over starts
    instance.set_name(fmt::format("{}.{} of {}", group.process(), key.second.index + 1, group.deployment()));
    instance.set_image(group.image());
    instance.set_state("running");
    instance.set_address(fmt::format("address {}", ++state_.addresses));
    instance.set_port(80);
    if (!group.image().starts_with(images_of(group.project())))
      state_.violate(fmt::format("{} runs image {}, which is not its project's", instance.name(), group.image()));
    if (!state_.images.contains(group.image()))
      state_.violate(fmt::format("{} needs image {}, which was tidied away", instance.name(), group.image()));
    state_.tell("start", instance);
  }
};

}  // namespace paastech::controller
