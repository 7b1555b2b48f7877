#pragma once
// The Service's log of single requests: a line of each at level debug. What was put off with 429 or 503 the person will
// ask about by its request id, so that is said at level info too, but at most once a second each: a flood of requests
// must not become a flood of lines. Thread: the control-plane loop.
#include <array>
#include <chrono>
#include <cstdint>

#include "api/route.h"

namespace paastech::api {

class RequestLog {
 public:
  explicit RequestLog(const Clock& clock) : clock_(clock) {}
  // error: why it was refused; may be null.
  void note(const Call& call, int status, std::chrono::milliseconds took, const Error* error);

 private:
  struct Kind {
    int status;
    std::int64_t next_ms = 0;   // steady: when the next line may come
    std::int64_t left_out = 0;  // since the last one
  };
  bool is_due(Kind& kind) const;
  const Clock& clock_;
  std::array<Kind, 2> kinds_{{{429}, {503}}};
};

}  // namespace paastech::api
