#pragma once
// A lock for coroutines of one loop: one holder at a time, waiters in order of arrival. Thread: its loop's.
#include "net/task.h"

namespace paastech::controller {

class Turn {
 public:
  explicit Turn(net::Executor executor) : changed_(std::move(executor)) {}
  net::Task<void> take() {
    const std::uint64_t ticket = next_ticket_++;
    while (ticket != serving_) co_await changed_.wait(std::chrono::hours(1));
  }
  void release() {
    ++serving_;
    changed_.notify();
  }
  bool busy() const { return serving_ != next_ticket_; }
  // Grows with every take(): equal before and after means that nobody held the turn in between.
  std::uint64_t epoch() const { return next_ticket_; }

 private:
  net::Notifier changed_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t serving_ = 0;
};

// Releases at the end of the scope that took the turn.
class TurnHolder {
 public:
  explicit TurnHolder(std::shared_ptr<Turn> turn) : turn_(std::move(turn)) {}
  ~TurnHolder() { turn_->release(); }
  TurnHolder(const TurnHolder&) = delete;
  TurnHolder& operator=(const TurnHolder&) = delete;

 private:
  std::shared_ptr<Turn> turn_;
};

// At most `limit` holders in all and `per_client` of one Client; waiters are woken in no fixed order. Thread: its
// loop's.
class BuildPlaces {
 public:
  BuildPlaces(net::Executor executor, int limit, int per_client)
      : changed_(std::move(executor)), limit_(limit), per_client_(per_client) {}
  bool try_take(const std::string& client) {
    if (taken_ >= limit_ || by_client_[client] >= per_client_) return false;
    ++taken_;
    ++by_client_[client];
    return true;
  }
  net::Task<void> wait_for_change() { return changed_.wait(std::chrono::seconds(1)); }
  void release(const std::string& client) {
    --taken_;
    if (--by_client_[client] == 0) by_client_.erase(client);
    changed_.notify();
  }

 private:
  net::Notifier changed_;
  int limit_;
  int per_client_;
  int taken_ = 0;
  std::map<std::string, int> by_client_;
};

}  // namespace paastech::controller
