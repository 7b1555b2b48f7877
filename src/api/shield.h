#pragma once
// Lets work go on to its end although its caller hangs up: a change that has begun is finished, whoever still listens.
// Thread: the TaskGroup's loop.
#include <memory>
#include <optional>

#include "net/task.h"
#include "rpc/status.h"

namespace paastech::api {

template <class T>
struct Outcome {
  explicit Outcome(net::Executor executor) : done(std::move(executor)) {}
  std::optional<T> value;
  net::Notifier done;
};

template <class T>
net::Task<void> run_to_end(net::Task<T> work, std::shared_ptr<Outcome<T>> outcome) {
  try {
    T value = co_await std::move(work);
    outcome->value.emplace(std::move(value));
  } catch (const std::exception& e) {
    outcome->value.emplace(std::unexpected(rpc::from_exception(e)));
  }
  outcome->done.notify();
}

// T is a Result or Status.
template <class T>
net::Task<T> shielded(net::TaskGroup& tasks, std::string name, net::Task<T> work) {
  auto outcome = std::make_shared<Outcome<T>>(tasks.executor());
  tasks.spawn(std::move(name), run_to_end<T>(std::move(work), outcome));
  while (!outcome->value) co_await outcome->done.wait(std::chrono::hours(1));
  co_return std::move(*outcome->value);
}

}  // namespace paastech::api
