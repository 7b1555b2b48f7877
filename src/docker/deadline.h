#pragma once
// Does something once, where it still stands after a time: closes what an Engine that hangs would hold for ever. Lives
// in the frame of the coroutine that waits; nothing is done once it is gone. Thread: the executor's.
#include <chrono>
#include <functional>
#include <memory>

#include "net/task.h"

namespace paastech::docker {

inline constexpr std::chrono::seconds kAnswerTime{30};  // for the first byte of an answer that streams

class Deadline {
 public:
  Deadline(const net::Executor& executor, std::chrono::milliseconds after, std::function<void()> action)
      : state_(std::make_shared<State>()), timer_(executor, after) {
    state_->action = std::move(action);
    timer_.async_wait([weak = std::weak_ptr(state_)](const boost::system::error_code& cancelled) {
      const auto state = weak.lock();
      if (!state || cancelled) return;
      state->passed = true;
      state->action();
    });
  }
  bool passed() const { return state_->passed; }

 private:
  struct State {
    std::function<void()> action;
    bool passed = false;
  };
  std::shared_ptr<State> state_;
  net::asio::steady_timer timer_;
};

}  // namespace paastech::docker
