#pragma once
// One Deployment on its way. Thread: the control-plane loop.
#include "controller/feed.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::controller {

struct Rollout {
  store::DeploymentRow row = {};
  store::ProjectRow project = {};
  bool owner_suspended = false;
  std::shared_ptr<Feed> feed = {};
  std::string cancelled = {};       // why, for a Client's eyes; empty: it goes on
  bool ended = false;               // its row was brought to an end while it waited for its turn
  std::function<void()> stop = {};  // ends what it waits for just now
  std::int64_t started_ms = 0;

  void cancel(std::string why) {
    if (cancelled.empty()) cancelled = std::move(why);
    if (stop) stop();
  }
};
using RolloutPtr = std::shared_ptr<Rollout>;

// For the time of one step: how to end it from outside. At once where the Rollout was cancelled before.
class Stoppable {
 public:
  Stoppable(RolloutPtr rollout, std::function<void()> stop) : rollout_(std::move(rollout)) {
    if (!rollout_->cancelled.empty()) stop();
    rollout_->stop = std::move(stop);
  }
  ~Stoppable() { rollout_->stop = nullptr; }
  Stoppable(const Stoppable&) = delete;
  Stoppable& operator=(const Stoppable&) = delete;

 private:
  RolloutPtr rollout_;
};

}  // namespace paastech::controller
