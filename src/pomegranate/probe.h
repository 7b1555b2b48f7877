#pragma once
// Is an Instance ready? One attempt a call, straight to its address. Thread: the caller's executor.
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "net/task.h"

namespace paastech::pomegranate {

struct ProbeAttempt {
  bool ready = false;
  bool connected = false;  // the port accepted
  int status = 0;          // of the HTTP answer, 0 where none came
};

// Lets another coroutine end an attempt: what has ended will not answer any more.
struct ProbeAbort {
  std::function<void()> now = {};
};

// Connecting is given half a second, for the address is on this machine; the answer may take the whole timeout.
// Without a path the port need only accept; with one, GET path must answer 2xx or 3xx (RFC 9110 section 15).
net::Task<ProbeAttempt> probe_once(std::string address, std::uint16_t port, std::string http_path,
                                   std::chrono::milliseconds timeout, std::shared_ptr<ProbeAbort> abort);

}  // namespace paastech::pomegranate
