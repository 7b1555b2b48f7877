#pragma once
// Desired + observed → what to do. Pure: the controller loads both sides, and does what comes out.
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "domain/process.h"

namespace paastech {

// The Instances of one Process that one Deployment made.
struct GroupKey {
  std::int64_t deployment = 0;
  std::string process;
  auto operator<=>(const GroupKey&) const = default;
};

struct InstanceName {
  std::int64_t deployment = 0;
  std::string process;
  int index = 0;  // from 0
  auto operator<=>(const InstanceName&) const = default;
};

struct DesiredProject {
  std::string project;                      // uuid
  std::map<GroupKey, int> groups = {};      // → count of Instances; none: nothing should run
  std::set<std::int64_t> in_progress = {};  // numbers on their way, or being drained: left alone
  std::set<std::int64_t> drained = {};      // of these: they get no visitors any more
  std::set<InstanceName> waiting = {};      // they crashed and start again later: neither missing nor routed
  std::set<InstanceName> unverified = {};   // they crashed, and were not seen to be ready since: missing
};

struct ObservedInstance {
  std::string project;
  std::int64_t deployment = 0;
  std::string process;
  int index = 0;
  std::string state;  // created | running | restarting | exited
  std::string address;
  int port = 0;
  bool kept = true;  // it was seen to be ready since it was started by us; the Engine may have started it again
  InstanceName name() const { return {deployment, process, index}; }
};

// Instances that should not be.
struct Surplus {
  std::int64_t deployment = 0;
  std::string process = {};  // empty: all of the Deployment
  int from_index = 0;        // this one and those above
  auto operator<=>(const Surplus&) const = default;
};

struct ProjectPlan {
  std::map<GroupKey, std::set<int>> start = {};  // Instances that lack, stand still or were not seen to be ready
  std::set<Surplus> remove = {};
  // Running Instances of `web` that were seen to be ready, by index. Where there is none, ready ones of another
  // Deployment, on its way or too many: one by one it had taken the others' place. Where there is none of them either,
  // those that were not seen: a controller that starts anew must not take the only one away before it has looked.
  std::vector<ObservedInstance> routable = {};
};

// The group that a Deployment of that number runs as this Process: its own, or one that it took over.
GroupKey group_of(std::int64_t deployment, const std::string& name, const Process& process);
// The groups that a Deployment of that number runs. Those of which there should be no Instance are left out.
std::map<GroupKey, int> groups_of(std::int64_t deployment, const ProcessList& list);

// A `restarting` Instance counts as there: the Engine brings it back; it is not routable meanwhile.
ProjectPlan plan_project(const DesiredProject& desired, const std::vector<ObservedInstance>& observed);

bool is_surplus(const Surplus& surplus, const ObservedInstance& instance);

}  // namespace paastech
