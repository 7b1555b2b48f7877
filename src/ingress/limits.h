#pragma once
// The router's limits of time and size. Values.
#include <cstdint>

namespace paastech::ingress {

struct Limits {
  int head_timeout_ms = 15'000;   // a request head, from its first byte (threat: slow clients)
  int idle_timeout_ms = 55'000;   // a kept-alive client connection between requests; who is gone is gone within 60 s
  int stall_timeout_ms = 60'000;  // no byte moved in either direction of a body
  // A request body: see body_pace.h. A byte a second is given up after about half a minute.
  int body_grace_ms = 30'000;
  int body_rate = 500;                // bytes a second; Apache's mod_reqtimeout. 0: no such limit
  int response_timeout_ms = 60'000;   // from the request's last byte to the response's head; nginx's proxy_read_timeout
  int connect_timeout_ms = 5'000;     // a Backend is on this machine or in its cluster
  int tunnel_timeout_ms = 3'600'000;  // no byte moved in an upgraded connection; HAProxy's documented `timeout tunnel`
  int upstream_idle_ms = 30'000;      // an unused connection to a Backend
  int close_timeout_ms = 2'000;       // lingering so that a last answer is read before a reset
  int stop_timeout_ms = 5'000;        // requests in flight at a graceful stop
  std::int64_t max_body = 0;          // bytes of a request body; 0: as many as the Application takes
  int max_connections = 20'000;       // of clients, per loop; less where the descriptor limit is lower
};

}  // namespace paastech::ingress
