#include "controller/simulation_ledger.h"

#include "domain/process_json.h"
#include "domain/route.h"

namespace paastech::controller {
namespace {

bool went_live(const store::DeploymentRow& row) {
  return row.state == DeploymentState::kLive || row.state == DeploymentState::kSuperseded;
}

class QuietLook {
 public:
  QuietLook(store::TestDatabase& database, SimulatedState& state, const Ledger& ledger)
      : database_(database), state_(state), ledger_(ledger) {}

  void look() {
    const auto rows = database_.read([](store::Tx& tx) { return store::list_projects(tx, ""); });
    if (!rows) return violate("the Projects cannot be read: " + rows.error().message);
    std::set<std::string> there;
    std::set<std::string> hosts;
    for (const store::ProjectRow& row : *rows) {
      there.insert(row.id);
      for (const std::string& host : host_names(row.name, row.id, PublicAddress())) hosts.insert(host);
      look_at(row);
    }
    for (const auto& [id, told] : ledger_.projects)
      if (!there.contains(id)) look_for_remains(id, told);
    for (const auto& [key, one] : state_.instances)
      if (!there.contains(key.first)) violate(one.instance.name() + " is of no project");
    for (const router::Route& route : state_.table.routes())
      if (hosts.erase(route.host()) == 0) violate("the host " + route.host() + " is no project's, or there twice");
    for (const std::string& host : hosts) violate("the host " + host + " is missing");
    for (const Ledger::Name& name : ledger_.acknowledged)
      if (there.contains(name.first)) look_at_acknowledged(name);
  }

 private:
  void violate(std::string what) { state_.violate(std::move(what) + " (after quiet)"); }

  void look_for_remains(const std::string& id, const Ledger::Project& told) {
    if (!told.entered) return;  // the repository of one that never came to be may stay, empty
    if (!told.deletion_asked) violate("project " + told.name + " (" + id + ") is lost");
    const std::string left = left_of(state_, id);
    if (!left.empty()) violate(left + " is left of the deleted project " + told.name + " (" + id + ")");
  }

  void look_at(const store::ProjectRow& row) {
    const auto told = ledger_.projects.find(row.id);
    if (told == ledger_.projects.end()) return violate("nobody asked for project " + row.id);
    if (row.deleting) violate(row.name + " is still being deleted");
    if (told->second.deletion_promised) violate(row.name + " was deleted, and is there");
    if (!state_.repositories.contains(row.id)) violate(row.name + " has no repository");
    const auto deployments =
        database_.read([&](store::Tx& tx) { return store::list_deployments(tx, row.id, 1'000, 0); });
    if (!deployments) return violate("the Deployments cannot be read: " + deployments.error().message);
    for (const store::DeploymentRow& each : *deployments) look_at(each, told->second, *deployments);
    const auto live = std::ranges::find(*deployments, DeploymentState::kLive, &store::DeploymentRow::state);
    std::optional<store::DeploymentRow> current;
    if (live != deployments->end()) current = *live;
    look_at_stops(row, told->second, current, *deployments);
    if (row.stopped) current.reset();
    look_at_what_runs(row, current);
  }

  // Stopped: as it was asked to be, unless something that starts it went live since.
  void look_at_stops(const store::ProjectRow& row, const Ledger::Project& told,
                     const std::optional<store::DeploymentRow>& live, const std::vector<store::DeploymentRow>& all) {
    std::int64_t last = 0;
    std::int64_t last_done = 0;
    for (const Ledger::Stop& stop : told.stops) {
      last = std::max(last, stop.heard_ms);
      if (stop.done) last_done = std::max(last_done, stop.heard_ms);
    }
    if (row.stopped && told.stops.empty()) violate(row.name + " is stopped, and nobody asked for it");
    if (row.stopped && live && live->finished_at > last)
      violate(fmt::format("deployment {} went live and {} is stopped still", live->number, row.name));
    const bool started = std::ranges::any_of(all, [&](const store::DeploymentRow& each) {
      return went_live(each) && each.finished_at >= last_done && each.cause != DeploymentCause::kConfig &&
             each.cause != DeploymentCause::kScale;
    });
    if (!row.stopped && last_done > 0 && !started) violate(row.name + " was stopped, and is not");
  }

  // What should run, and nothing else, is ready; and the hosts lead to it.
  void look_at_what_runs(const store::ProjectRow& row, const std::optional<store::DeploymentRow>& current) {
    std::map<GroupKey, int> wanted;
    if (current) {
      const Result<ProcessList> list = process_list_from_json(current->processes);
      if (!list) return violate("the list of deployment " + std::to_string(current->number) + " does not read");
      wanted = groups_of(current->number, *list);
      if (!state_.images.contains(current->image)) violate("the image " + current->image + " is not there");
    }
    std::map<GroupKey, int> there;
    std::set<std::string> ready;
    for (const auto& [key, one] : state_.instances) {
      if (key.first != row.id) continue;
      ++there[{key.second.deployment, key.second.process}];
      if (one.instance.state() != "running") violate(one.instance.name() + " of " + row.name + " stands still");
      if (!one.ready) violate(one.instance.name() + " of " + row.name + " is not ready");
      if (key.second.process == "web") ready.insert(one.instance.address());
    }
    if (there != wanted) violate("what runs of " + row.name + " is not what should");
    for (const router::Route& route : state_.table.routes()) {
      if (route.project() != row.id) continue;
      std::set<std::string> routed;
      for (const router::Backend& backend : route.backends()) routed.insert(backend.address());
      if (routed != ready) violate("the routes of " + row.name + " are not its ready Instances");
    }
  }

  void look_at(const store::DeploymentRow& row, const Ledger::Project& told,
               const std::vector<store::DeploymentRow>& all) {
    const Ledger::Name name{row.project_id, row.number};
    const std::string which = fmt::format("deployment {} of {}", row.number, told.name);
    if (is_running(row.state)) violate(which + " is still " + std::string(to_text(row.state)));
    if (ledger_.cancelled.contains(name) && row.state != DeploymentState::kCancelled)
      violate(which + " was cancelled and is " + std::string(to_text(row.state)));
    if (row.state == DeploymentState::kCancelled && !may_be_cancelled(row, told, all))
      violate(fmt::format("{} was cancelled ({}), and nobody asked for it: {}", which, row.reason, row.message));
    if (row.reason == "interrupted" && (row.cause != DeploymentCause::kPush || ledger_.kills == 0))
      violate(which + " was interrupted");
    if (row.cause != DeploymentCause::kImage || row.state != DeploymentState::kLive) return;
    const auto asked = ledger_.references.find(name);
    const auto image = state_.images.find(row.image);
    if (asked != ledger_.references.end() && image != state_.images.end() && image->second != asked->second)
      violate(fmt::format("{} runs {} in the place of {}", which, image->second, asked->second));
  }

  bool may_be_cancelled(const store::DeploymentRow& row, const Ledger::Project& told,
                        const std::vector<store::DeploymentRow>& all) const {
    const bool changes = row.cause == DeploymentCause::kConfig || row.cause == DeploymentCause::kScale;
    if (row.reason == "overtaken")
      return std::ranges::any_of(all, [&](const store::DeploymentRow& other) {
        const bool restarts = other.cause == DeploymentCause::kRestart && changes;
        return other.number > row.number && (other.cause == row.cause || restarts);
      });
    if (row.reason != "cancelled") return false;
    if (row.message == "cancelled by a person") return ledger_.cancellations.contains({row.project_id, row.number});
    if (row.message == "the Application was stopped meanwhile") return !told.stops.empty();
    return row.message.starts_with("the Application is stopped") && changes && !told.stops.empty();
  }

  void look_at_acknowledged(const Ledger::Name& name) {
    const auto row = database_.read([&](store::Tx& tx) { return store::find_deployment(tx, name.first, name.second); });
    if (!row)
      violate(fmt::format("deployment {} was acknowledged and is lost", name.second));
    else if (ledger_.must_live.contains(name) && !went_live(*row))
      violate(fmt::format("deployment {}, made in quiet, is {}: {}", name.second, to_text(row->state), row->message));
  }

  store::TestDatabase& database_;
  SimulatedState& state_;
  const Ledger& ledger_;
};

}  // namespace

void check_after_quiet(store::TestDatabase& database, SimulatedState& state, const Ledger& ledger) {
  QuietLook(database, state, ledger).look();
}

void count_outcomes(store::TestDatabase& database, SimulatedState& state, const Ledger& ledger) {
  const auto projects = database.read([](store::Tx& tx) { return store::list_projects(tx, ""); });
  if (!projects) return;
  for (const store::ProjectRow& project : *projects) {
    if (project.stopped) ++state.counts["stopped in the end"];
    const auto rows = database.read([&](store::Tx& tx) { return store::list_deployments(tx, project.id, 1'000, 0); });
    if (!rows) return;
    for (const store::DeploymentRow& row : *rows) {
      if (!went_live(row)) continue;
      ++state.counts["live: " + std::string(to_text(row.cause))];
      if (ledger.survived.contains({row.project_id, row.number}))
        ++state.counts["live after a kill: " + std::string(to_text(row.cause))];
    }
  }
}

std::string left_of(const SimulatedState& state, const std::string& project) {
  for (const auto& [key, one] : state.instances)
    if (key.first == project) return "instance " + one.instance.name();
  for (const auto& [image, content] : state.images)
    if (image.starts_with("paastech/" + project + ":")) return "image " + image;
  if (state.networks.contains(project)) return "a network";
  if (state.repositories.contains(project)) return "a repository";
  if (state.has_routes(project, false)) return "a route";
  return "";
}

}  // namespace paastech::controller
