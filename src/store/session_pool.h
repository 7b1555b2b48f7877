#pragma once
// A few SQL sessions, each lent to one thread at a time. Thread: any; take() blocks up to its deadline.
#include <soci/soci.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace paastech::store {

class SessionPool {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Gives the session back when it goes; empty where none came free in time.
  class Lease {
   public:
    Lease(SessionPool& pool, std::unique_ptr<soci::session> session) : pool_(pool), session_(std::move(session)) {}
    ~Lease() {
      if (session_) pool_.add(std::move(session_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    explicit operator bool() const { return session_ != nullptr; }
    soci::session& sql() { return *session_; }
    void discard() { session_.reset(); }  // instead of giving back one that is broken

   private:
    SessionPool& pool_;
    std::unique_ptr<soci::session> session_;
  };

  void add(std::unique_ptr<soci::session> session) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(session));
    }
    came_free_.notify_one();
  }

  Lease take(Deadline deadline) {
    std::unique_lock lock(mutex_);
    std::unique_ptr<soci::session> session;
    if (came_free_.wait_until(lock, deadline, [this] { return !free_.empty(); })) {
      session = std::move(free_.back());
      free_.pop_back();
    }
    return Lease(*this, std::move(session));
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_free_;
  std::vector<std::unique_ptr<soci::session>> free_;
};

}  // namespace paastech::store
