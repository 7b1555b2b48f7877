// Instances that end by themselves start again with a growing pause (domain/crash_book.h); those whose liveness probe
// fails are ended, and start again in the same way.
#include "base/human_bytes.h"
#include "base/text.h"
#include "controller/deployment_controller.h"
#include "controller/groups.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr const char* kOutOfMemory = "out of memory";
constexpr int kKilled = 128 + 9;  // SIGKILL, as shells and the Engine say it
// What follows later than that on the kernel's kill has other reasons: it may have hit a child that was replaced.
constexpr std::int64_t kMemoryNewsMs = 10'000;

std::string why_it_ended(const engine::Instance& instance) {
  // The Engine says so from the first kill in the container to its next start, whichever process it hit.
  if (instance.out_of_memory() && instance.exit_code() == kKilled) return kOutOfMemory;
  if (instance.overfull_bytes() > 0)
    return fmt::format("out of disk: it wrote {} (limit {})", human_bytes(instance.overfull_bytes()),
                       human_bytes(instance.disk_limit_bytes()));
  return fmt::format("exit code {}", instance.exit_code());
}

}  // namespace

// A rollout or a stop makes events of its own; what happens beside is looked at once it is done. A repair ends nothing
// that should run, so an end in the middle of one is a crash.
void DeploymentController::on_engine_event(const engine::InstanceEvent& event) {
  const std::string& project_id = event.instance().project();
  if (project_id.empty()) return;
  const InstanceName name{event.instance().deployment(), event.instance().process(), event.instance().index()};
  if (event.kind() == "oom") {
    watched_[project_id].reasons[name] = {kOutOfMemory, ports_.clock.steady_ms() + kMemoryNewsMs};
    return;
  }
  if (event.kind() != "start" && event.kind() != "die" && event.kind() != "destroy") return;
  const bool told_to = ending_.contains(event.instance().id());
  if (event.kind() == "destroy") ending_.erase(event.instance().id());
  const bool at_work = busy(project_id);
  const auto watched = watched_.find(project_id);
  if (event.kind() == "start" && !at_work && watched != watched_.end()) watched->second.starting.insert(name);
  if (event.kind() == "die" && !told_to && (!at_work || repairing_.contains(project_id))) on_end(event.instance());
  if (at_work)
    missed_.insert(project_id);
  else
    spawn_repair(project_id);
}

void DeploymentController::on_end(const engine::Instance& instance) {
  const std::pair number(instance.project(), instance.deployment());
  if (retiring_.contains(number) || rollouts_.contains(number)) return;
  const InstanceName name{instance.deployment(), instance.process(), instance.index()};
  std::string reason = why_it_ended(instance);
  const std::int64_t now = ports_.clock.steady_ms();
  const auto watched = watched_.find(instance.project());
  if (watched != watched_.end()) {
    auto known = watched->second.reasons.extract(name);
    if (!known.empty() && now <= known.mapped().until_ms) reason = known.mapped().text;
  }
  const Crash& crash = crashes_[instance.project()].note(name, reason, now);
  // A start that failed may have been noted before this end of it was heard of, with a longer story and some of the
  // pause gone.
  const std::string line = fmt::format("{}.{} ended: {}; it starts again in {} s", name.process, name.index + 1, reason,
                                       (crash.due_ms - now + 999) / 1000);
  spdlog::info("project {}: deployment {}: {}", instance.project(), name.deployment, line);
  if (ports_.last_words != nullptr)
    ports_.last_words->deployment_lines(instance.project(), name.deployment, "platform", line);
  if (instance.overfull_bytes() > 0)
    tasks_.spawn("remove overfull", remove_overfull(instance.project(), name));
  else
    tasks_.spawn("hold", hold(instance.project(), name));
  crash_news_.notify();
}

// Each that failed counts as crashed; the log says what was tried and what it printed.
void DeploymentController::note_failed_start(const std::string& project_id, const GroupKey& key,
                                             const std::set<int>& asked, const engine::GroupFailed& failed) {
  const std::set<int> named(failed.index().begin(), failed.index().end());
  for (const int index : named.empty() ? asked : named)
    crashes_[project_id].note({key.deployment, key.process, index}, failed.message(), ports_.clock.steady_ms());
  crash_news_.notify();
  if (ports_.last_words == nullptr) return;
  std::string text = key.process + " could not be started again: " + failed.message();
  for (const std::string& line : failed.last_lines()) text += "\n    | " + line;
  ports_.last_words->deployment_lines(project_id, key.deployment, "platform", sanitize_terminal(text));
}

bool DeploymentController::has_ended(const std::string& project_id, const InstanceName& name) const {
  const auto book = crashes_.find(project_id);
  if (book == crashes_.end()) return false;
  const auto crash = book->second.all().find(name);
  return crash != book->second.all().end() && crash->second.well_ms == 0;
}

// Ends that a comparison sees before the Engine's event of it has come. Not at the first look: what an earlier process
// left half done, or what ended while nobody watched, is brought back at once.
bool DeploymentController::note_ends(const std::vector<engine::Instance>& listed, const DesiredProject& desired) {
  bool noted = false;
  for (const engine::Instance& instance : listed) {
    const InstanceName name{instance.deployment(), instance.process(), instance.index()};
    const auto group = desired.groups.find({name.deployment, name.process});
    if (instance.state() != "exited" || group == desired.groups.end() || name.index >= group->second ||
        desired.waiting.contains(name) || desired.unverified.contains(name))
      continue;
    on_end(instance);
    noted = true;
  }
  return noted;
}

// From the first crash on the pauses are ours. The Engine's own restarting is for the time in which nobody watches.
net::Task<void> DeploymentController::hold(std::string project_id, InstanceName name) {
  engine::InstanceRequest request = instance_request(project_id, name);
  const Status held = co_await ports_.engine.hold(std::move(request));
  if (!held && held.error().code != Code::kNotFound)
    spdlog::warn("project {}: holding {}.{}: {}", project_id, name.process, name.index + 1, held.error().message);
}

// Started again it would have all that it wrote, so that it is made anew.
net::Task<void> DeploymentController::remove_overfull(std::string project_id, InstanceName name) {
  std::shared_ptr<Turn> mine = turn(project_id);
  const bool guest = co_await mine->take_or_visit();
  TurnHolder holder(mine, guest);
  engine::RemoveGroupRequest which;
  which.set_project(project_id);
  which.set_deployment(name.deployment);
  which.set_process(name.process);
  which.add_index(name.index);
  const Status removed = co_await end_instances(std::move(which));
  if (!removed)
    spdlog::warn("project {}: removing {}.{}: {}", project_id, name.process, name.index + 1, removed.error().message);
  if (missed_.erase(project_id) > 0) spawn_repair(project_id);
}

net::Task<void> DeploymentController::restart_what_is_due() {
  while (true) {
    const std::int64_t now = ports_.clock.steady_ms();
    std::chrono::milliseconds pause = 1h;
    for (const auto& [project_id, book] : crashes_) {
      const std::optional<std::int64_t> due = book.next_due(now);
      if (due) pause = std::min(pause, std::chrono::milliseconds(*due - now));
    }
    co_await crash_news_.wait(pause);
    const std::int64_t then = ports_.clock.steady_ms();
    for (const auto& [project_id, book] : crashes_)
      if (!book.unverified(then).empty()) spawn_repair(project_id);
  }
}

// Which Instances have a liveness probe, from what should run. One that does not run is not found, and not counted.
void DeploymentController::watch_liveness(const Situation& situation, const ProcessList& list) {
  Watched& watched = watched_[situation.project.id];
  const bool first_look = !compared_.contains(situation.project.id);
  watched.probes.clear();
  for (const auto& [name, process] : list.processes) {
    if (!process.liveness) continue;
    const GroupKey group = group_of(situation.live->number, name, process);
    for (int index = 0; index < process.count; ++index) {
      const InstanceName one{group.deployment, name, index};
      watched.probes[one] = {*process.liveness, std::int64_t{process.ready_timeout_s} * 1000};
      if (first_look) watched.starting.insert(one);
    }
  }
  const auto unknown = [&](const auto& entry) { return !watched.probes.contains(entry.first); };
  std::erase_if(watched.failures, unknown);
  std::erase_if(watched.next_ms, unknown);
  std::erase_if(watched.starting, [&](const InstanceName& one) { return !watched.probes.contains(one); });
  if (watched.probes.empty() && watched.reasons.empty()) watched_.erase(situation.project.id);
}

net::Task<void> DeploymentController::check_liveness() {
  while (true) {
    const std::int64_t now = ports_.clock.steady_ms();
    for (auto& [project_id, watched] : watched_) {
      for (const auto& [name, how] : watched.probes) {
        std::int64_t& next = watched.next_ms[name];
        const std::int64_t following = now + std::int64_t{liveness_interval_s(how.probe)} * 1000;
        if (next == 0) next = following;
        if (now < next || !probing_.insert({project_id, name}).second) continue;
        next = following;
        tasks_.spawn("liveness", probe(project_id, name, how));
      }
    }
    const Status slept = co_await net::sleep_for(1s);
    if (!slept) co_return;
  }
}

// One that was started by the Engine, for instance after a restart of the machine, has its time to start, as at a
// rollout; one that we bring back is looked at by who does it.
net::Task<void> DeploymentController::probe(std::string project_id, InstanceName name, Watched::Liveness how) {
  engine::ProbeRequest request = liveness_probe(project_id, name, how.probe);
  const Result<engine::ProbeReply> reply = co_await ports_.engine.probe(std::move(request));
  probing_.erase({project_id, name});
  const auto watched = watched_.find(project_id);
  if (!reply || watched == watched_.end() || !watched->second.probes.contains(name)) co_return;
  if (reply->well()) watched->second.starting.erase(name);
  const bool starting =
      has_ended(project_id, name) || (watched->second.starting.contains(name) && reply->running_ms() < how.start_ms);
  int& failures = watched->second.failures[name];
  failures = reply->well() || starting ? 0 : failures + 1;
  if (failures < how.probe.failures) co_return;
  failures = 0;
  watched->second.reasons[name] = {fmt::format("alive no more: {}", reply->detail())};
  engine::InstanceRequest which = instance_request(project_id, name);
  const Status stopped = co_await ports_.engine.stop_instance(std::move(which));
  if (!stopped) spdlog::warn("project {}: stopping {}: {}", project_id, name.process, stopped.error().message);
}

}  // namespace paastech::controller
