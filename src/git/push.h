#pragma once
// One push on its way: shared by the SSH session's thread and the thread that answers its hook. Thread: safe from any.
#include <mutex>
#include <string>
#include <utility>

namespace paastech::git {

class Push {
 public:
  // receiving: git takes the objects in. waiting: for another push of the Project. deploying: api has been, or is about
  // to be, asked. decided: the verdict is given, git moves the refs or not.
  enum class Phase { kReceiving, kWaiting, kDeploying, kDecided };

  Push(std::string push_token, std::string project, std::string client, std::string key, std::string peer)
      : token(std::move(push_token)),
        project_id(std::move(project)),
        client_id(std::move(client)),
        fingerprint(std::move(key)),
        address(std::move(peer)) {}

  const std::string token;  // known to this push's hook only
  const std::string project_id;
  const std::string client_id;
  const std::string fingerprint;  // of the key that logged in
  const std::string address;

  Phase phase() const {
    const std::scoped_lock lock(mutex_);
    return phase_;
  }
  // False: the Client has gone, or the push was stopped, before the Deployment began; it must not begin.
  bool enter(Phase phase) {
    const std::scoped_lock lock(mutex_);
    if (abandoned_ && phase != Phase::kDecided) return false;
    phase_ = phase;
    return true;
  }
  // True: nothing has begun that must be finished, so the push ends here.
  bool abandon() {
    const std::scoped_lock lock(mutex_);
    if (phase_ == Phase::kDeploying || phase_ == Phase::kDecided) return false;
    abandoned_ = true;
    return true;
  }
  bool abandoned() const {
    const std::scoped_lock lock(mutex_);
    return abandoned_;
  }
  // False: the session has ended already, so the caller must leave the gate itself.
  bool hold_gate() {
    const std::scoped_lock lock(mutex_);
    holds_gate_ = !ended_;
    return holds_gate_;
  }
  // The session has ended. True: the gate is held and must be left, which is said once.
  bool end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    return std::exchange(holds_gate_, false);
  }

 private:
  mutable std::mutex mutex_;
  Phase phase_ = Phase::kReceiving;
  bool abandoned_ = false;
  bool holds_gate_ = false;
  bool ended_ = false;
};

}  // namespace paastech::git
