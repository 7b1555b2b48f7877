#include "domain/plan.h"

#include <algorithm>

namespace paastech {

GroupKey group_of(std::int64_t deployment, const std::string& name, const Process& process) {
  return {process.group > 0 ? process.group : deployment, name};
}

std::map<GroupKey, int> groups_of(std::int64_t deployment, const ProcessList& list) {
  std::map<GroupKey, int> groups;
  for (const auto& [name, process] : list.processes)
    if (process.count > 0) groups[group_of(deployment, name, process)] = process.count;
  return groups;
}

bool is_surplus(const Surplus& surplus, const ObservedInstance& instance) {
  return surplus.deployment == instance.deployment &&
         (surplus.process.empty() || surplus.process == instance.process) && instance.index >= surplus.from_index;
}

namespace {
bool is_web(const std::pair<const GroupKey, int>& group) { return group.first.process == "web"; }
}  // namespace

ProjectPlan plan_project(const DesiredProject& desired, const std::vector<ObservedInstance>& observed) {
  ProjectPlan plan;
  std::set<std::int64_t> numbers;
  for (const auto& [key, count] : desired.groups) numbers.insert(key.deployment);
  std::map<GroupKey, std::set<int>> alive;
  std::vector<ObservedInstance> meanwhile;
  for (const ObservedInstance& instance : observed) {
    if (instance.project != desired.project) continue;
    const auto wanted = desired.groups.find({instance.deployment, instance.process});
    const int count = wanted == desired.groups.end() ? 0 : wanted->second;
    const bool serves = instance.process == "web" && instance.state == "running" && !instance.address.empty();
    if (instance.index >= count) {
      if (serves && instance.kept && !desired.drained.contains(instance.deployment)) meanwhile.push_back(instance);
      if (desired.in_progress.contains(instance.deployment)) continue;
      if (numbers.contains(instance.deployment))
        plan.remove.insert({instance.deployment, instance.process, count});
      else
        plan.remove.insert({instance.deployment});
      continue;
    }
    if (desired.waiting.contains(instance.name()) || desired.unverified.contains(instance.name())) continue;
    const bool runs = instance.state == "running";
    if ((runs && instance.kept) || instance.state == "restarting")
      alive[{instance.deployment, instance.process}].insert(instance.index);
    if (serves) plan.routable.push_back(instance);
  }
  for (const InstanceName& one : desired.waiting) alive[{one.deployment, one.process}].insert(one.index);
  for (const auto& [key, count] : desired.groups)
    for (int index = 0; index < count; ++index)
      if (!alive[key].contains(index)) plan.start[key].insert(index);
  if (std::ranges::any_of(plan.routable, &ObservedInstance::kept))
    std::erase_if(plan.routable, [](const ObservedInstance& one) { return !one.kept; });
  else if (!meanwhile.empty() && std::ranges::any_of(desired.groups, is_web))
    plan.routable = std::move(meanwhile);
  std::ranges::sort(plan.routable, {}, &ObservedInstance::index);
  return plan;
}

}  // namespace paastech
