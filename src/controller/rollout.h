#pragma once
// One Deployment on its way. Thread: the control-plane loop.
#include <optional>

#include "controller/feed.h"
#include "controller/ports.h"
#include "domain/process.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::controller {

struct Rollout {
  store::DeploymentRow row = {};
  store::ProjectRow project = {};
  ProcessList list = {};                                      // what it runs, once that is settled
  std::optional<store::DeploymentRow> before = {};            // what was live when it was settled
  std::map<std::int64_t, store::DeploymentRow> adopted = {};  // Deployments whose Instances it takes over, by number
  bool brings_new = true;                                     // another image or environment than what was live last
  bool resizes = false;  // a change of scale: Instances make way for those of another size
  bool owner_suspended = false;
  std::shared_ptr<Feed> feed = {};
  std::string cancelled = {};  // why, for a Client's eyes; empty: it goes on
  bool ended = false;          // its row was brought to an end while it waited for its turn
  StopPtr stop = std::make_shared<Stop>();
  std::int64_t started_ms = 0;

  void cancel(std::string why) {
    if (cancelled.empty()) cancelled = std::move(why);
    stop->ask();
  }
  Status still_wanted() const {
    if (cancelled.empty()) return {};
    return fail(Code::kCancelled, cancelled);
  }
};
using RolloutPtr = std::shared_ptr<Rollout>;

}  // namespace paastech::controller
