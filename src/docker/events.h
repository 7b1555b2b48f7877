#pragma once
// The Docker Engine's event stream. Threads and errors: client.h.
#include <cstdint>
#include <map>
#include <optional>

#include "docker/client.h"
#include "docker/lines.h"

namespace paastech::docker {

struct Event {
  std::string action;  // start, die, oom, destroy, …
  std::string id;
  std::map<std::string, std::string> attributes;  // labels, and name, image, exitCode
  std::int64_t at_ns = 0;
};

class EventStream {
 public:
  // Events of the containers that have all the labels, from now on; of the named actions only, where any is.
  static net::Task<Result<std::unique_ptr<EventStream>>> open(ClientPtr client, std::vector<std::string> labels,
                                                              std::vector<std::string> actions = {});
  // kUnavailable where the Engine goes away, or after close().
  net::Task<Result<Event>> next();
  void close() { exchange_->close(); }

 private:
  EventStream(ClientPtr client, std::unique_ptr<net::HttpExchange> exchange)
      : client_(std::move(client)), exchange_(std::move(exchange)) {}
  ClientPtr client_;
  std::unique_ptr<net::HttpExchange> exchange_;
  LineCutter lines_{1 << 20};
};

Result<Event> parse_event(std::string_view line);

}  // namespace paastech::docker
