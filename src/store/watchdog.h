#pragma once
// Cuts connections whose answer is late, so that a thread that waits for a server that went silent comes back: with an
// error, as if the server had hung up. Thread: any; it has one of its own, which sleeps while nothing is watched.
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace paastech::store {

class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Cuts the connection of the socket at that time, unless it is gone before.
  class Watch {
   public:
    Watch(Watchdog& dog, int socket, Time end);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    friend class Watchdog;
    Watchdog& dog_;
    // A duplicate: whoever uses the connection may close it at any time, and the number be another file's then.
    const int fd_;
    const Time end_;
    std::list<Watch*>::iterator place_;
  };

  Watchdog();
  ~Watchdog();

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Watch*> watched_;
  Time wakes_at_ = Time::max();  // the thread's next look; an earlier end must wake it
  bool ending_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace paastech::store
