#pragma once
// A lock for coroutines of one loop: one holder at a time, waiters in order of arrival. Thread: its loop's.
#include <cstdint>
#include <memory>
#include <set>

#include "net/task.h"

namespace paastech::controller {

class Turn {
 public:
  explicit Turn(net::Executor executor) : changed_(std::move(executor)) {}
  // True: the caller holds the turn. False: `given_up` became true while it waited, and it holds nothing. A waiter that
  // is cancelled leaves its place too.
  net::Task<bool> take(std::shared_ptr<const bool> given_up = nullptr) {
    Place place{*this, next_ticket_++};
    places_.insert(place.ticket);
    while (*places_.begin() != place.ticket) {
      if (given_up && *given_up) co_return false;
      co_await changed_.wait(std::chrono::hours(1));
    }
    if (given_up && *given_up) co_return false;
    place.kept = true;
    co_return true;
  }
  void release() { leave(*places_.begin()); }
  void look_again() { changed_.notify(); }  // somebody has given up
  bool busy() const { return !places_.empty(); }
  // Grows with every take(): equal before and after means that nobody held the turn in between.
  std::uint64_t epoch() const { return next_ticket_; }

 private:
  struct Place {
    Turn& turn;
    std::uint64_t ticket;
    bool kept = false;
    ~Place() {
      if (!kept) turn.leave(ticket);
    }
  };
  void leave(std::uint64_t ticket) {
    places_.erase(ticket);
    changed_.notify();
  }
  net::Notifier changed_;
  std::uint64_t next_ticket_ = 0;
  std::set<std::uint64_t> places_;  // the first one holds the turn
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

}  // namespace paastech::controller
