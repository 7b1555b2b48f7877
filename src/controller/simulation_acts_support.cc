#include "controller/simulation.h"
#include "store/scales.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kFaults = 6;  // of the choices; the others are what Clients do
constexpr std::int64_t kActs = 26;
constexpr const char* kProjectNames[] = {"shop", "blog"};

}  // namespace

void Simulation::act() {
  const std::int64_t which = state_.chance.number(1, kActs);
  if (which <= kFaults) return fault(which);
  const std::string name = kProjectNames[state_.chance.number(0, 1)];
  acted_on_ = name;
  std::optional<store::ProjectRow> project = look_up(name);
  if (!project) {
    const auto last = last_.find(name);
    if (last == last_.end() || !state_.chance.once_in(6)) return create(name);
    project = last->second;  // by somebody who found it just before it went
  }
  change(which, *project);
}

void Simulation::fault(std::int64_t which) {
  if (which <= 2) return crash_one();
  if (which == 3) return kill();
  const Neighbour& one = neighbours_[static_cast<std::size_t>(which - 4)];
  *one.down = true;
  note(fmt::format("{} goes away", one.name));
}

// Most are away for some seconds only, or hardly anything would come about beside.
void Simulation::come_back() {
  for (const Neighbour& one : neighbours_) {
    if (!*one.down || !state_.chance.once_in(3)) continue;
    *one.down = false;
    note(fmt::format("{} is back", one.name));
  }
}

void Simulation::change(std::int64_t which, const store::ProjectRow& project) {
  DeploymentController& controller = process_->controller;
  const std::string id = project.id;
  switch (which) {
    case 7:
    case 8:
    case 9:
    case 10: return deploy("push", project, controller.deploy_commit(id, owner_.id, std::string(40, 'a')));
    case 11:
    case 12:
      return deploy("change of configuration", project, controller.redeploy(id, owner_.id, DeploymentCause::kConfig));
    case 13:
    case 14: return change_scale(project);
    case 15: return deploy("rollback", project, controller.roll_back(id, owner_.id, 0));
    case 16: return deploy("restart", project, controller.redeploy(id, owner_.id, DeploymentCause::kRestart));
    case 17:
    case 18:
    case 19: return stop_or_start(project);
    case 20:
    case 21: return deploy_image(project);
    case 22:
    case 23:
    case 24:
    case 25: return cancel_one(project);
    default: return remove(project);
  }
}

// In the middle of a call to a neighbour, which is mostly about what was just asked.
void Simulation::interrupt() {
  const std::int64_t which = state_.chance.number(1, 10);
  if (which <= 3) return kill();
  if (which >= 9) return act();
  const std::optional<store::ProjectRow> project = look_up(acted_on_);
  if (!project) return;
  if (which <= 6) return cancel_one(*project);
  if (which == 7) return remove(*project);
  return stop_or_start(*project);
}

void Simulation::crash_one() {
  std::vector<SimulatedState::One*> running;
  for (auto& [key, one] : state_.instances)
    if (one.instance.state() == "running") running.push_back(&one);
  if (running.empty()) return;
  SimulatedState::One& one = *running[static_cast<std::size_t>(state_.chance.number(0, std::ssize(running) - 1))];
  note("crash of " + one.instance.name());
  state_.crash(one);
}

// As the API does first. Nobody else writes meanwhile: the loop is idle, and so is the database's queue.
std::optional<store::ProjectRow> Simulation::look_up(const std::string& name) {
  const Result<store::ProjectRow> row = database_.read([&](store::Tx& tx) { return store::find_project(tx, name); });
  if (!row) return std::nullopt;
  last_[name] = *row;
  ledger_.projects[row->id].entered = true;
  return *row;
}

std::optional<store::DeploymentRow> Simulation::look_up(const Ledger::Name& name) {
  const Result<store::DeploymentRow> row =
      database_.read([&](store::Tx& tx) { return store::find_deployment(tx, name.first, name.second); });
  if (!row) return std::nullopt;
  return *row;
}

// Ids are part of the run: what is done for all Projects is done in their order.
void Simulation::create(const std::string& name) {
  store::ProjectRow row;
  row.id = fmt::format("00000000-0000-4000-8000-{:012}", ++made_);
  row.name = name;
  row.owner_id = owner_.id;
  row.created_at = clock_.now_ms();
  const bool again = last_.contains(name);
  ledger_.projects[row.id].name = name;
  ask<void>("creation", row, process_->controller.create_project(row), [this, id = row.id, again](const Status& done) {
    if (!done) return;
    ledger_.projects[id].entered = true;
    if (again) count("created under a name that was deleted");
  });
}

void Simulation::remove(const store::ProjectRow& project) {
  ledger_.projects[project.id].deletion_asked = true;
  ask<Removal>("deletion", project, process_->controller.delete_project(project.id),
               [this, id = project.id](const Result<Removal>& removed) { heard_of_removal(id, removed); });
}

// Where somebody does not answer it goes on by itself, once the Project is marked.
void Simulation::heard_of_removal(const std::string& id, const Result<Removal>& removed) {
  const Result<store::ProjectRow> row = database_.read([&](store::Tx& tx) { return store::find_project(tx, id); });
  if (!removed && removed.error().code != Code::kUnavailable && removed.error().code != Code::kNotFound)
    state_.violate("the deletion of " + id + " failed: " + removed.error().message);
  if (!removed && row && !row->deleting)
    state_.violate("the deletion of " + id + " was answered, and it is not marked: " + removed.error().message);
  ledger_.projects[id].deletion_promised = true;
  if (!removed) return;
  state_.gone.insert(id);
  count("deleted");
  if (row) state_.violate("the deletion of " + id + " was acknowledged, and its row is there");
  const std::string left = left_of(state_, id);
  if (!left.empty()) state_.violate("the deletion of " + id + " was acknowledged, and it left " + left);
}

void Simulation::stop_or_start(const store::ProjectRow& project) {
  const bool otherwise = state_.chance.once_in(4);  // somebody else was quicker
  if (project.stopped != otherwise)
    start(project);
  else
    stop(project);
}

void Simulation::stop(const store::ProjectRow& project) {
  std::vector<Ledger::Stop>& stops = ledger_.projects[project.id].stops;
  const std::size_t mine = stops.size();
  stops.emplace_back();
  ask<void>("stop", project, process_->controller.stop_application(project.id),
            [this, id = project.id, mine](const Status& done) {
              Ledger::Stop& stop = ledger_.projects[id].stops[mine];
              stop.heard_ms = clock_.now_ms();
              stop.done = done.has_value();
              if (done && state_.has_routes(id, true))
                state_.violate("the stop of " + id + " was acknowledged, and it has visitors");
            });
}

void Simulation::start(const store::ProjectRow& project) {
  const bool stopped = project.stopped;
  deploy("start", project, process_->controller.start_application(project.id, owner_.id),
         [this, stopped](const Result<store::DeploymentRow>& row) {
           if (row && stopped) count("start of what was stopped");
         });
}

void Simulation::deploy_image(const store::ProjectRow& project) {
  const std::string reference = fmt::format("registry.example/team/app:{}", ++images_);
  deploy("image", project, process_->controller.deploy_image(project.id, owner_.id, reference),
         [this, reference](const Result<store::DeploymentRow>& row) {
           if (row) ledger_.references[{row->project_id, row->number}] = reference;
         });
}

void Simulation::change_scale(const store::ProjectRow& project) {
  const Scale scale{state_.chance.once_in(2) ? "web" : "worker", static_cast<int>(state_.chance.number(1, 3)),
                    state_.chance.once_in(3) ? 64LL << 20 : 0, 0};
  note(fmt::format("{} of {}: {} of {} bytes", scale.process, project.name, scale.count, scale.memory_bytes));
  const Change work = [id = project.id, scale](store::Tx& tx) -> Result<bool> {
    TRY(store::set_scale(tx, id, scale));
    return true;
  };
  ask<Changed>("scale", project, process_->controller.change(project.id, owner_.id, DeploymentCause::kScale, work),
               [this](const Result<Changed>& changed) {
                 if (changed && changed->deployment) acknowledge(*changed->deployment);
                 if (!changed && changed.error().code != Code::kNotFound)
                   state_.violate("a scale could not be set: " + changed.error().message);
               });
}

// One of the last, in whatever state; mostly one that can be cancelled.
void Simulation::cancel_one(const store::ProjectRow& project) {
  auto rows = database_.read([&](store::Tx& tx) { return store::list_deployments(tx, project.id, 6, 0); });
  if (!rows || rows->empty()) return;
  const bool running = std::ranges::any_of(*rows, [](const auto& row) { return is_running(row.state); });
  if (running && !state_.chance.once_in(5))
    std::erase_if(*rows, [](const auto& row) { return !is_running(row.state); });
  const auto chosen = static_cast<std::size_t>(state_.chance.number(0, std::ssize(*rows) - 1));
  const Ledger::Name name{project.id, (*rows)[chosen].number};
  const std::string state(to_text((*rows)[chosen].state));
  ledger_.cancellations.insert(name);
  if (is_running((*rows)[chosen].state)) state_.unwanted.emplace(name, net::LoopClock::now());
  note(fmt::format("deployment {} of {} is {}", name.second, project.name, state));
  ask<void>("cancellation", project, process_->controller.cancel(project.id, name.second),
            [this, name, state](const Status& done) { heard_of_cancellation(name, state, done); });
}

// What was answered is final. A row that is not there any more went with its Project.
void Simulation::heard_of_cancellation(const Ledger::Name& name, const std::string& state, const Status& done) {
  state_.unwanted.erase(name);
  const std::optional<store::DeploymentRow> row = look_up(name);
  const std::string which = "the cancellation of deployment " + std::to_string(name.second);
  if (!row && !ledger_.projects[name.first].deletion_asked) state_.violate(which + " found it lost");
  if (done) {
    count("cancelled while " + state);
    ledger_.cancelled.insert(name);
    state_.given_up.insert(name);
    if (row && row->state != DeploymentState::kCancelled)
      state_.violate(which + " was acknowledged, and it is " + std::string(to_text(row->state)));
    return;
  }
  if (done.error().code == Code::kNotFound && row) state_.violate(which + " did not find it, though it is there");
  if (done.error().code != Code::kNotFound && done.error().code != Code::kAborted)
    state_.violate(which + " failed: " + done.error().message);
  if (row && is_running(row->state))
    state_.violate(which + " was refused, and it is " + std::string(to_text(row->state)));
  const bool late = row && (row->state == DeploymentState::kLive || row->state == DeploymentState::kSuperseded);
  if (!late || !is_running(*deployment_state(state))) return;
  count("live before it could be cancelled");
  if (state != "starting") state_.violate(which + " came while it was " + state + ", and it went live");
}

// Whatever came before: with nobody in the way what is asked for comes about.
void Simulation::act_in_quiet() {
  for (const char* name : kProjectNames) {
    const std::optional<store::ProjectRow> project = look_up(name);
    if (!project) {
      create(name);
      continue;
    }
    const bool image = state_.chance.once_in(2);
    DeploymentController& controller = process_->controller;
    const auto live = database_.read([&](store::Tx& tx) { return store::live_deployment(tx, project->id); });
    const auto lives = [this](const Result<store::DeploymentRow>& row) {
      if (!row) return state_.violate("refused in quiet: " + row.error().message);
      ledger_.must_live.insert({row->project_id, row->number});
    };
    if (project->stopped && live && *live)
      deploy("start in quiet", *project, controller.start_application(project->id, owner_.id), lives);
    else if (image)
      deploy("image in quiet", *project, controller.deploy_image(project->id, owner_.id, "app"), lives);
    else
      deploy("push in quiet", *project, controller.deploy_commit(project->id, owner_.id, std::string(40, 'b')), lives);
  }
}

void Simulation::remove_all() {
  for (const char* name : kProjectNames) {
    const std::optional<store::ProjectRow> project = look_up(name);
    if (project)
      remove(*project);
    else
      state_.violate(std::string("project ") + name + " was made in quiet, and is not there");
  }
}

}  // namespace paastech::controller
