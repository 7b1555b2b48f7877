#pragma once
// Runs tasks side by side in a TaskGroup and gives their results in order. A task that throws counts as failed.
// Where the waiter is cancelled the tasks run on to their ends in the group, which owns them.
#include <algorithm>
#include <optional>
#include <vector>

#include "net/task.h"

namespace paastech::pomegranate {

template <class R>  // a Result
struct ParallelState {
  explicit ParallelState(net::Executor executor) : changed(std::move(executor)) {}
  std::vector<net::Task<R>> work;
  std::vector<std::optional<R>> results;
  std::size_t next = 0;
  std::size_t workers = 0;
  net::Notifier changed;
};

template <class R>
net::Task<void> parallel_worker(std::shared_ptr<ParallelState<R>> state) {
  while (state->next < state->work.size()) {
    const std::size_t mine = state->next++;
    try {
      R result = co_await std::move(state->work[mine]);
      state->results[mine] = std::move(result);
    } catch (const std::exception& e) {
      state->results[mine] = fail(Code::kInternal, std::string("internal error: ") + e.what());
    }
  }
  --state->workers;
  state->changed.notify();
}

template <class R>
net::Task<std::vector<R>> run_all(net::TaskGroup& tasks, std::vector<net::Task<R>> work, std::size_t at_once = 16) {
  auto state = std::make_shared<ParallelState<R>>(tasks.executor());
  state->results.resize(work.size());
  state->work = std::move(work);
  state->workers = std::min(at_once, state->work.size());
  for (std::size_t i = state->workers; i > 0; --i) tasks.spawn("part", parallel_worker<R>(state));
  while (state->workers > 0) co_await state->changed.wait(std::chrono::minutes(1));
  std::vector<R> out;
  for (std::optional<R>& result : state->results) out.push_back(std::move(*result));
  co_return out;
}

}  // namespace paastech::pomegranate
