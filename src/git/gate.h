#pragma once
// One deploying push at a time per Project. A push that finds another one at work waits; a newer waiting push makes an
// older waiting one give up. Thread: any; enter blocks.
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace paastech::git {

class DeployGate {
 public:
  enum class Turn { kMine, kOvertaken, kCancelled };

  // on_wait is called once, before the waiting begins, without a lock held. cancelled is asked at every poke. kMine:
  // the caller must leave.
  Turn enter(const std::string& project_id, const std::function<void()>& on_wait,
             const std::function<bool()>& cancelled);
  void leave(const std::string& project_id);
  void poke();  // something that `cancelled` looks at has changed

 private:
  struct Entry {
    bool busy = false;
    std::uint64_t waiting = 0;  // the newest waiter's ticket; 0: nobody waits
    int users = 0;              // callers inside enter, and the holder
  };
  void drop(const std::string& project_id);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t tickets_ = 0;
  std::map<std::string, Entry> entries_;
};

}  // namespace paastech::git
