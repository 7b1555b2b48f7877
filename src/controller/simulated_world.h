#pragma once
// For the simulation: Engine, git role and ingress as plain state on the simulated loop. Every call takes a random time
// and may fail, before or after it took effect, as a connection does that breaks. What must never happen is checked at
// the moment at which it would: an Instance removed while visitors are sent to it, a route to another Project's.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "controller/ports.h"
#include "controller/published_table.h"
#include "domain/plan.h"

namespace paastech::controller {

// One seed gives one run: all choices come from here.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::int64_t number(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random_);
  }
  bool once_in(std::int64_t times) { return number(1, times) == 1; }

 private:
  std::mt19937_64 random_;
};

struct SimulatedState {
  struct One {
    engine::Instance instance;
    bool ready = false;
  };
  using Key = std::pair<std::string, InstanceName>;

  explicit SimulatedState(std::uint64_t seed) : chance(seed) {}
  void violate(std::string what) {
    if (violation.empty()) violation = std::move(what);
  }
  bool routed(const engine::Instance& instance) const {
    for (const router::Route& route : table.routes())
      for (const router::Backend& backend : route.backends())
        if (backend.address() == instance.address()) return true;
    return false;
  }
  void tell(const std::string& kind, const engine::Instance& instance) {
    engine::InstanceEvent event;
    event.set_kind(kind);
    *event.mutable_instance() = instance;
    if (watcher) watcher(event);
  }
  // It ends by itself.
  void crash(One& one) {
    one.ready = false;
    one.instance.set_kept(false);
    one.instance.set_state("exited");
    one.instance.set_exit_code(1);
    one.instance.clear_address();
    tell("die", one.instance);
  }

  Chance chance;
  std::map<Key, One> instances;
  std::set<std::string> images;
  std::set<std::string> repositories;
  router::RouteTable table;
  OnEvent watcher;
  bool engine_down = false;
  bool ingress_down = false;
  int trouble = 40;  // once in so many calls one fails; 0: none does
  std::int64_t addresses = 0;
  std::string violation;
  std::vector<std::string> journal;
};

// What the three have in common: time passes, and some calls come to nothing.
class SimulatedCalls {
 protected:
  explicit SimulatedCalls(SimulatedState& state) : state_(state) {}
  net::Task<Status> before() {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 50))));
    if (state_.engine_down || fails()) co_return fail(Code::kUnavailable, "the Engine does not answer");
    co_return Status{};
  }
  // The work was done; whether the answer came through is another thing.
  Status after() {
    if (fails()) return fail(Code::kUnavailable, "the answer was lost");
    return {};
  }
  bool fails() { return state_.trouble > 0 && state_.chance.once_in(state_.trouble); }
  SimulatedState& state_;
};

class SimulatedEngine final : public EnginePort, SimulatedCalls {
 public:
  explicit SimulatedEngine(SimulatedState& state) : SimulatedCalls(state) {}

  net::Task<Result<engine::EngineDescription>> describe() override {
    CO_TRY(co_await before());
    co_return engine::EngineDescription();
  }
  net::Task<Result<std::vector<engine::Instance>>> list(std::string project) override {
    CO_TRY(co_await before());
    std::vector<engine::Instance> out;
    for (const auto& [key, one] : state_.instances)
      if (project.empty() || key.first == project) out.push_back(one.instance);
    co_return out;
  }
  net::Task<Result<engine::GroupEvent>> ensure_group(engine::InstanceGroup group, OnLine on_line,
                                                     StopPtr stop) override {
    CO_TRY(co_await before());
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
    CO_TRY(co_await before());
    for (auto at = state_.instances.begin(); at != state_.instances.end();) {
      const engine::Instance& one = at->second.instance;
      const bool listed = which.index_size() == 0 || std::ranges::count(which.index(), one.index()) > 0;
      const bool asked = one.project() == which.project() && one.deployment() == which.deployment() && listed &&
                         (which.process().empty() || which.process() == one.process()) &&
                         one.index() >= which.from_index();
      if (!asked) {
        ++at;
        continue;
      }
      if (one.state() == "running" && state_.routed(one))
        state_.violate(fmt::format("instance {} was removed while visitors were sent to it", one.name()));
      const engine::Instance gone = one;
      at = state_.instances.erase(at);
      state_.tell("die", gone);
      state_.tell("destroy", gone);
    }
    co_return after();
  }
  net::Task<Result<engine::BuildResult>> build(engine::BuildSpec spec, Tree, OnLine, StopPtr stop) override {
    CO_TRY(co_await before());
    engine::BuildResult result;
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(10, 2'000))));
    if (stop->asked) co_return fail(Code::kCancelled, "cancelled");
    result.set_ok(!fails());
    if (!result.ok()) result.set_reason("build_failed");
    result.set_image(fmt::format("paastech/{}:{}", spec.project(), spec.deployment()));
    if (result.ok()) state_.images.insert(result.image());
    co_return result;
  }
  net::Task<Result<engine::BuildResult>> pull(engine::PullImageRequest, OnLine, StopPtr) override {
    co_return fail(Code::kInternal, "nothing is fetched in the simulation");
  }
  net::Task<Result<int>> run_once(engine::RunOnceRequest, OnLine, StopPtr) override {
    CO_TRY(co_await before());
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
    CO_TRY(co_await before());
    engine::ProbeReply reply;
    reply.set_well(!fails());
    co_return reply;
  }
  net::Task<Status> hold(engine::InstanceRequest) override { return before(); }
  net::Task<Status> stop_instance(engine::InstanceRequest which) override {
    CO_TRY(co_await before());
    const auto found = state_.instances.find({which.project(), {which.deployment(), which.process(), which.index()}});
    if (found != state_.instances.end() && found->second.instance.state() == "running") state_.crash(found->second);
    co_return Status{};
  }
  net::Task<Result<engine::ListImagesReply>> list_images(std::string project) override {
    CO_TRY(co_await before());
    engine::ListImagesReply reply;
    for (const std::string& image : state_.images)
      if (image.starts_with("paastech/" + project + ":")) reply.add_images()->set_reference(image);
    co_return reply;
  }
  net::Task<Status> remove_image(std::string reference) override {
    CO_TRY(co_await before());
    state_.images.erase(reference);
    co_return after();
  }
  net::Task<Result<engine::PruneBuildsReply>> prune_builds(std::int64_t) override {
    co_return engine::PruneBuildsReply();
  }
  net::Task<Result<engine::RemoveProjectReply>> remove_project(std::string project, bool) override {
    CO_TRY(co_await before());
    std::erase_if(state_.instances, [&](const auto& entry) { return entry.first.first == project; });
    CO_TRY(after());
    co_return engine::RemoveProjectReply();
  }

 private:
  void begin(const SimulatedState::Key& key, const engine::InstanceGroup& group) {
    SimulatedState::One& one = state_.instances[key];
    one.ready = false;
    engine::Instance& instance = one.instance;
    instance.set_kept(false);
    instance.set_project(group.project());
    instance.set_deployment(group.deployment());
    instance.set_process(group.process());
    instance.set_index(key.second.index);
    instance.set_name(fmt::format("{}.{} of {}", group.process(), key.second.index + 1, group.deployment()));
    instance.set_image(group.image());
    instance.set_state("running");
    instance.set_address(fmt::format("address {}", ++state_.addresses));
    instance.set_port(80);
    if (!state_.images.contains(group.image()))
      state_.violate(fmt::format("{} needs image {}, which was tidied away", instance.name(), group.image()));
    state_.tell("start", instance);
  }
};

class SimulatedRepositories final : public RepositoriesPort, SimulatedCalls {
 public:
  explicit SimulatedRepositories(SimulatedState& state) : SimulatedCalls(state) {}
  net::Task<Status> create(std::string project) override {
    CO_TRY(co_await before());
    state_.repositories.insert(project);
    co_return after();
  }
  net::Task<Status> remove(std::string project) override {
    CO_TRY(co_await before());
    state_.repositories.erase(project);
    co_return after();
  }
  net::Task<Result<repos::ReadFilesReply>> read_files(repos::ReadFilesRequest request) override {
    CO_TRY(co_await before());
    static constexpr const char* kStrategies[] = {"blue-green", "rolling", "recreate"};
    repos::ReadFilesReply reply;
    for (const std::string& path : request.paths()) {
      repos::TreeFile& file = *reply.add_files();
      file.set_path(path);
      file.set_kind("file");
      if (path == "Procfile") file.set_content("web: serve\nworker: work\nrelease: migrate\n");
      if (path == "paastech.yaml")
        file.set_content(std::string("strategy: ") + kStrategies[state_.chance.number(0, 2)] + "\n");
    }
    co_return reply;
  }
  net::Task<Result<std::int64_t>> bytes(std::vector<std::string>) override { co_return 0; }
};

class SimulatedIngress final : public IngressPort, SimulatedCalls {
 public:
  explicit SimulatedIngress(SimulatedState& state) : SimulatedCalls(state) {}
  net::Task<Status> publish(router::RouteTable table) override {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 20))));
    if (state_.ingress_down || fails()) co_return fail(Code::kUnavailable, "the ingress does not answer");
    if (table.version() < state_.table.version()) co_return fail(Code::kFailedPrecondition, "an older table");
    for (const router::Route& route : table.routes())
      for (const router::Backend& backend : route.backends()) check(route, backend);
    if (!take_table(state_.table, table)) co_return fail(Code::kFailedPrecondition, "a change of another table");
    co_return after();
  }
  net::Task<Result<router::DrainReply>> drain(router::DrainRequest) override {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 3'000))));
    co_return router::DrainReply();
  }
  net::Task<Result<std::int64_t>> table_version() override {
    CO_TRY(co_await net::sleep_for(std::chrono::milliseconds(state_.chance.number(1, 5))));
    co_return state_.table.version();
  }

 private:
  // Addresses are never used twice here, so one that another Project has would be a wrong one.
  void check(const router::Route& route, const router::Backend& backend) {
    for (const auto& [key, one] : state_.instances) {
      if (one.instance.address() != backend.address()) continue;
      if (key.first != route.project()) state_.violate("a route leads to an Instance of another project");
      if (!one.ready && another_is_ready(route.project()))
        state_.violate(one.instance.name() + " got visitors before it was ready");
    }
  }
  bool another_is_ready(const std::string& project) const {
    return std::ranges::any_of(state_.instances, [&](const auto& entry) {
      return entry.first.first == project && entry.first.second.process == "web" && entry.second.ready;
    });
  }
};

}  // namespace paastech::controller
