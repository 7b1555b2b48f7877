#pragma once
// What every SSH session shares. Owner: the server, which outlives all sessions. Thread: safe from any.
#include <atomic>
#include <map>
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

// Places of authenticated sessions. One Client gets at most half of them, so that nobody shuts out the others.
class SessionPlaces {
 public:
  explicit SessionPlaces(int limit) : limit_(limit) {}
  // The error says why there is no place.
  Status take(const std::string& client_id) {
    const std::scoped_lock lock(mutex_);
    const auto found = clients_.find(client_id);
    const int mine = found == clients_.end() ? 0 : found->second;
    if (all_ >= limit_)
      return fail(Code::kResourceExhausted, "the Service is busy with " + std::to_string(all_) + " git sessions",
                  "try again in a moment");
    if (mine >= (limit_ + 1) / 2)
      return fail(Code::kResourceExhausted, "you have " + std::to_string(mine) + " git sessions open already",
                  "let some of them end, then try again");
    ++all_;
    ++clients_[client_id];
    return {};
  }
  void leave(const std::string& client_id) {
    const std::scoped_lock lock(mutex_);
    --all_;
    if (--clients_[client_id] == 0) clients_.erase(client_id);
  }

 private:
  const int limit_;
  std::mutex mutex_;
  int all_ = 0;
  std::map<std::string, int> clients_;
};

class SessionPlace {
 public:
  SessionPlace(SessionPlaces& places, std::string client_id)
      : places_(places), client_id_(std::move(client_id)), taken(places_.take(client_id_)) {}
  ~SessionPlace() {
    if (taken) places_.leave(client_id_);
  }
  SessionPlace(const SessionPlace&) = delete;
  SessionPlace& operator=(const SessionPlace&) = delete;

 private:
  SessionPlaces& places_;
  const std::string client_id_;

 public:
  const Status taken;
};

struct SessionContext {
  explicit SessionContext(GitOptions given)
      : options(std::move(given)), places(options.max_sessions), store(options.repositories) {}

  const GitOptions options;
  std::atomic<bool> stopping = false;
  SessionPlaces places;
  RepositoryStore store;
  DeployGate gate;
  GatewayClient gateway;
  PreReceive decider{store, gate, gateway, stopping};
  HookServer hooks{decider};
  FamiliarKeys familiar;
};

}  // namespace paastech::git
