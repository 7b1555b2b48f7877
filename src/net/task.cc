#include "net/task.h"

#include <spdlog/spdlog.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/system/system_error.hpp>

#include "net/loop_time.h"

namespace paastech::net {

Task<Status> sleep_for(std::chrono::microseconds time) {
  Executor executor = co_await asio::this_coro::executor;
  LoopTimer timer = loop_timer(std::move(executor), time);
  auto [error] = co_await timer.async_wait(kAwait);
  if (error) co_return fail(Code::kCancelled, "the wait was cancelled");
  co_return Status{};
}

// ---- TaskGroup

struct TaskGroup::State {
  struct Node {
    std::string name;
    asio::cancellation_signal signal;
    bool started = false;
    bool cancelled = false;
  };
  explicit State(Executor e) : executor(e), emptied(e) {}

  Executor executor;
  std::list<std::shared_ptr<Node>> nodes;
  bool cancelled = false;
  Notifier emptied;
};

namespace {

// A task that ends because it was cancelled is no news; anything else that escapes is a bug, and is told.
void report(const std::string& name, const std::exception_ptr& error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      spdlog::debug("task {} was cancelled", name);
    } else {
      spdlog::error("task {} ended by an exception: {}", name, e.what());
    }
  } catch (const std::exception& e) {
    spdlog::error("task {} ended by an exception: {}", name, e.what());
  } catch (...) {
    spdlog::error("task {} ended by an unknown exception", name);
  }
}

}  // namespace

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
  if (state_->nodes.empty()) return;
  spdlog::error("a group of {} tasks (one is {}) was dropped before join()", state_->nodes.size(),
                state_->nodes.front()->name);
  cancel();
}

// The task begins on a later turn of the loop, so that the caller is never re-entered. A group that is cancelled in
// between still runs it to its first wait: whoever waits for its outcome then gets one.
void TaskGroup::spawn(std::string name, Task<void> task) {
  auto node = std::make_shared<State::Node>();
  node->name = std::move(name);
  node->cancelled = state_->cancelled;
  state_->nodes.push_back(node);
  const auto place = std::prev(state_->nodes.end());
  auto start = [state = state_, node, place, task = std::move(task)]() mutable {
    auto done = [state, node, place](std::exception_ptr error) {
      report(node->name, error);
      state->nodes.erase(place);
      if (state->nodes.empty()) state->emptied.notify();
    };
    node->started = true;
    asio::co_spawn(state->executor, std::move(task),
                   asio::bind_cancellation_slot(node->signal.slot(), std::move(done)));
    if (node->cancelled) node->signal.emit(asio::cancellation_type::terminal);
  };
  asio::post(state_->executor, std::move(start));
}

void TaskGroup::cancel() {
  state_->cancelled = true;
  const auto nodes = state_->nodes;  // a copy: what an emission wakes may change the list
  for (const auto& node : nodes) node->cancelled = true;
  // At once on the loop; but before or between its runs (in main, in tests) the emission must wait for it, for Asio
  // would otherwise post half of it, to find the task gone.
  asio::dispatch(state_->executor, [nodes] {
    for (const auto& node : nodes)
      if (node->started) node->signal.emit(asio::cancellation_type::terminal);
  });
}

Task<void> TaskGroup::join() {
  const std::shared_ptr<State> state = state_;
  while (!state->nodes.empty()) co_await state->emptied.wait(std::chrono::hours(1));
}

std::size_t TaskGroup::size() const { return state_->nodes.size(); }
Executor TaskGroup::executor() const { return state_->executor; }

// ---- Notifier: one timer a waiter, which notify() cancels

struct Notifier::State {
  Executor executor;
  std::list<LoopTimer*> waiting;
};

Notifier::Notifier(Executor executor) : state_(std::make_shared<State>(State{std::move(executor), {}})) {}

void Notifier::notify() {
  for (LoopTimer* timer : state_->waiting) timer->cancel();
}

namespace {

// Takes the waiter off the list however the wait ends, also where the coroutine is destroyed in it.
class Waiting {
 public:
  Waiting(std::list<LoopTimer*>& list, LoopTimer& timer) : list_(list), place_(list.insert(list.end(), &timer)) {}
  ~Waiting() { list_.erase(place_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::list<LoopTimer*>& list_;
  std::list<LoopTimer*>::iterator place_;
};

}  // namespace

Task<void> Notifier::wait(std::chrono::milliseconds timeout) {
  const std::shared_ptr<State> state = state_;
  LoopTimer timer = loop_timer(state->executor, timeout);
  const Waiting waiting(state->waiting, timer);
  auto [error] = co_await timer.async_wait(kAwait);
  (void)error;  // woken, timed out or cancelled: the caller looks again in every case
}

}  // namespace paastech::net
