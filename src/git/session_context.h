#pragma once
// What every SSH session shares. Owner: the server, which outlives all sessions. Thread: safe from any.
#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "git/gate.h"
#include "git/gateway_client.h"
#include "git/hook_server.h"
#include "git/pre_receive.h"
#include "git/repository_store.h"
#include "git/server.h"

namespace paastech::git {

// Keys that nobody registered, but whose owner then logged in with another one: the owner is not told of them each
// time.
class FamiliarKeys {
 public:
  bool contains(const std::string& fingerprint) const {
    const std::scoped_lock lock(mutex_);
    return keys_.contains(fingerprint);
  }
  void add(const std::string& fingerprint) {
    const std::scoped_lock lock(mutex_);
    if (keys_.size() < 4096) keys_.insert(fingerprint);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> keys_;
};

struct SessionContext {
  explicit SessionContext(GitOptions given) : options(std::move(given)), store(options.repositories) {}

  const GitOptions options;
  std::atomic<bool> stopping = false;
  std::atomic<int> authenticated = 0;
  RepositoryStore store;
  DeployGate gate;
  GatewayClient gateway;
  PreReceive decider{store, gate, gateway, stopping};
  HookServer hooks{decider};
  FamiliarKeys familiar;
};

}  // namespace paastech::git
