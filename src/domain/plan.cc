#include "domain/plan.h"

#include <algorithm>

namespace paastech {

ProjectPlan plan_project(const DesiredProject& desired, const std::vector<ObservedInstance>& observed) {
  ProjectPlan plan;
  std::map<std::string, std::set<int>> alive;
  for (const ObservedInstance& instance : observed) {
    if (instance.project != desired.project) continue;
    const auto wanted = desired.processes.find(instance.process);
    const bool belongs = instance.deployment == desired.deployment && wanted != desired.processes.end() &&
                         instance.index < wanted->second;
    if (!belongs) {
      const bool whole = instance.deployment != desired.deployment || desired.processes.empty();
      if (whole && !desired.in_progress.contains(instance.deployment)) plan.remove.insert(instance.deployment);
      continue;
    }
    if (instance.state == "running" || instance.state == "restarting") alive[instance.process].insert(instance.index);
    if (instance.state == "running" && instance.process == "web" && !instance.address.empty())
      plan.routable.push_back(instance);
  }
  for (const auto& [process, count] : desired.processes)
    if (static_cast<int>(alive[process].size()) < count) plan.start_missing = true;
  std::ranges::sort(plan.routable, {}, &ObservedInstance::index);
  return plan;
}

}  // namespace paastech
