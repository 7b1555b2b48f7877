#pragma once
// Is an Instance well? One attempt a call, straight to its address; commands are docker_probe.cc's. Thread: the
// caller's executor.
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "net/task.h"
#include "pomegranate.pb.h"

namespace paastech::pomegranate {

struct ProbeAttempt {
  bool well = false;
  bool connected = false;   // the port accepted
  bool late = false;        // there was no answer in the time that it had
  std::string detail = {};  // what was tried and what answered: "GET /healthz answered 500"
};

// Lets another coroutine end an attempt: what has ended will not answer any more.
struct ProbeAbort {
  std::function<void()> now = {};
};

inline constexpr std::chrono::seconds kProbeAttempt{5};  // of an attempt, where the probe says nothing

// port 0: the process takes no requests. kInvalidArgument.
Status check_probe(const v1::Probe& probe, int port);
// "it must answer 2xx or 3xx"
std::string wanted_answer(const v1::Probe& probe);
// Connecting is given half a second, for the address is on this machine; the answer may take the whole timeout.
// Without a path the port need only accept; with one, GET path must answer within the probe's statuses.
net::Task<ProbeAttempt> probe_once(std::string address, std::uint16_t port, v1::Probe probe,
                                   std::chrono::milliseconds timeout, std::shared_ptr<ProbeAbort> abort);

}  // namespace paastech::pomegranate
