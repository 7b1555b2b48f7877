#pragma once
// How long a client may keep a loop waiting for the bytes of a request body. Time is counted only while the client is
// the one waited for, each byte that comes gives some of it back, and what is left ends the request: so that a byte a
// second holds a connection for half a minute and not for ever. The model is Apache's mod_reqtimeout
// (`body=20,MinRate=500`). Pure. Thread: any; an object belongs to one request.
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace paastech::ingress {

class BodyPace {
 public:
  // grace_ms: what may be waited at first; most_ms: what there is at the most; rate: bytes that give back a second; 0:
  // any byte gives back all.
  struct Terms {
    std::int64_t grace_ms;
    std::int64_t most_ms;
    std::int64_t rate;
  };
  void start(const Terms& terms) {
    left_ms_ = terms.grace_ms;
    since_ms_ = 0;
  }
  // From now on the client is waited for; false: it was before.
  bool wait(std::int64_t now_ms) {
    if (since_ms_ != 0) return false;
    since_ms_ = now_ms;
    return true;
  }
  void came(const Terms& terms, std::int64_t now_ms, std::size_t bytes) {
    if (since_ms_ != 0) left_ms_ -= now_ms - since_ms_;
    since_ms_ = 0;
    const std::int64_t back = terms.rate > 0 ? static_cast<std::int64_t>(bytes) * 1000 / terms.rate : terms.most_ms;
    left_ms_ = std::min(terms.most_ms, left_ms_ + back);
  }
  int left_ms() const { return static_cast<int>(std::max<std::int64_t>(left_ms_, 0)); }  // as the waiting began

 private:
  std::int64_t left_ms_ = 0;
  std::int64_t since_ms_ = 0;  // when the waiting began, of the loop's clock (never 0); 0: nobody waits
};

}  // namespace paastech::ingress
