#pragma once
// Places for builds: at most `limit` in all and `per_client` of one Client. A free place goes to the Client of whom the
// fewest build; among those to the one who was served longest ago; among its builds to the one that waits longest. So
// one who queues a hundred builds delays the single one of another by one place at the most. Thread: the control-plane
// loop.
#include <map>
#include <string>

#include "controller/ports.h"
#include "net/task.h"

namespace paastech::controller {

class BuildPlaces {
 public:
  BuildPlaces(net::Executor executor, int limit, int per_client)
      : changed_(std::move(executor)), limit_(limit), per_client_(per_client) {}
  // False: it was asked to stop while it waited, and holds nothing. on_wait: called once where it has to wait.
  net::Task<bool> take(std::string client, StopPtr stop, std::function<void()> on_wait);
  void release(const std::string& client);
  std::size_t waiting() const { return waiting_.size(); }
  int taken() const { return taken_; }

 private:
  struct Standing {  // of a Client
    int builds = 0;
    std::uint64_t served = 0;  // the count of places given when it last got one
  };
  struct Waiting {  // leaves the queue also where the waiting coroutine is cancelled
    BuildPlaces& places;
    std::uint64_t ticket;
    ~Waiting();
  };
  std::uint64_t next() const;  // the ticket whose turn it is; 0: nobody's
  net::Notifier changed_;
  const int limit_;
  const int per_client_;
  int taken_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t given_ = 0;
  std::map<std::uint64_t, std::string> waiting_;  // ticket → Client
  std::map<std::string, Standing> clients_;       // that build or wait
};

}  // namespace paastech::controller
