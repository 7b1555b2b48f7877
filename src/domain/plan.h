#pragma once
// Desired + observed → what to do. Pure: the controller loads both sides, and does what comes out.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace paastech {

struct DesiredProject {
  std::string project;                        // uuid
  std::int64_t deployment = 0;                // the live one's number; 0: nothing should run
  std::map<std::string, int> processes = {};  // process → count of Instances
  std::set<std::int64_t> in_progress = {};    // numbers on their way: their Instances are left alone
};

struct ObservedInstance {
  std::string project;
  std::int64_t deployment = 0;
  std::string process;
  int index = 0;
  std::string state;  // created | running | restarting | exited
  std::string address;
  int port = 0;
};

struct ProjectPlan {
  bool start_missing = false;                   // the live Deployment lacks an Instance, or one stands still for good
  std::set<std::int64_t> remove = {};           // numbers whose Instances should go
  std::vector<ObservedInstance> routable = {};  // running Instances of `web`, by index
};

// A `restarting` Instance counts as there: the Engine brings it back with its own back-off; it is not routable
// meanwhile.
ProjectPlan plan_project(const DesiredProject& desired, const std::vector<ObservedInstance>& observed);

}  // namespace paastech
