#pragma once
// A lock for coroutines of one loop: one holder at a time, waiters in order of arrival. A holder that only prepares its
// work for long may lend the turn meanwhile, to one guest at a time. Thread: its loop's.
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
  // For what may be done as a guest too. True: as one, ended by leave_visit(); false: the caller holds the turn.
  net::Task<bool> take_or_visit() {
    Place place{*this, next_ticket_++};
    places_.insert(place.ticket);
    while (*places_.begin() != place.ticket) {
      if (lent_ && !guest_) {
        guest_ = true;
        co_return true;
      }
      co_await changed_.wait(std::chrono::hours(1));
    }
    place.kept = true;
    co_return false;
  }
  void leave_visit() {
    guest_ = false;
    changed_.notify();
  }
  // By the holder, which has the turn for itself again once reclaim() returns.
  void lend() {
    lent_ = true;
    changed_.notify();
  }
  net::Task<void> reclaim() {
    lent_ = false;
    while (guest_) co_await changed_.wait(std::chrono::hours(1));
  }
  bool lent() const { return lent_; }
  void release() { leave(*places_.begin()); }
  void look_again() { changed_.notify(); }  // somebody has given up
  bool busy() const { return !places_.empty() && (!lent_ || guest_); }
  // Grows with everybody who comes: equal before and after means that nobody held the turn in between.
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
  bool lent_ = false;
  bool guest_ = false;
  std::set<std::uint64_t> places_;  // the first one holds the turn
};

// Releases at the end of the scope that took the turn, or was its guest.
class TurnHolder {
 public:
  explicit TurnHolder(std::shared_ptr<Turn> turn, bool guest = false) : turn_(std::move(turn)), guest_(guest) {}
  ~TurnHolder() {
    if (guest_)
      turn_->leave_visit();
    else
      turn_->release();
  }
  TurnHolder(const TurnHolder&) = delete;
  TurnHolder& operator=(const TurnHolder&) = delete;

 private:
  std::shared_ptr<Turn> turn_;
  bool guest_;
};

}  // namespace paastech::controller
