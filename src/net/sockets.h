#pragma once
// Inside net/ only: stream sockets (TCP and unix alike), made close-on-exec from birth, and a deadline for what waits
// on them. Thread: the loop's they were made on.
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "net/http_client.h"
#include "net/task.h"

namespace paastech::net {

using Socket = asio::generic::stream_protocol::socket;
using ErrorCode = boost::system::error_code;

std::string describe(const Endpoint& endpoint);  // "/var/run/docker.sock" or "127.0.0.1:8000"

// Resolves and connects into `socket`, trying every address. Closing the socket from elsewhere ends the try.
// kUnavailable with the system's reason and a hint; kInvalidArgument for a path that no socket can have.
Task<Status> connect(std::shared_ptr<Socket> socket, Endpoint endpoint);

// Writes all of it. `before` is called ahead of each piece, for re-arming a deadline.
Task<ErrorCode> write_all(std::shared_ptr<Socket> socket, std::string bytes, std::function<void()> before = {});

// Runs an action when the time is up, unless disarmed or armed anew before. Destroying it disarms it.
class Deadline {
 public:
  explicit Deadline(Executor executor);
  ~Deadline() { disarm(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  void arm(std::chrono::milliseconds time, std::function<void()> action);
  void disarm();
  bool expired() const;  // since the last arm()

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace paastech::net
