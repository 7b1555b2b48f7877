#pragma once
// Coroutines of the control plane. One io_context a thread; an object belongs to the loop it was made on.
// Rules: one co_await a statement with its result bound to a name; parameters by value; no capturing lambda coroutines.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/result.h"

namespace paastech::net {

namespace asio = boost::asio;
template <class T>
using Task = asio::awaitable<T>;
using Executor = asio::any_io_executor;

// The one completion token: errors come back as the first element of a tuple, to be turned into a Result once.
inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Waits; returns early, with kCancelled, where the TaskGroup is cancelled.
Task<Status> sleep_for(std::chrono::microseconds time);

// Owns running coroutines. spawn() starts one; cancel() asks all to end (asio terminal cancellation), also those that
// are spawned from then on, by tasks on their way to the end; join() waits until none is left. An exception inside a
// task is logged with its name and ends that task only. Thread: its executor's.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();  // the group must be empty: join() first
  void spawn(std::string name, Task<void> task);
  void cancel();
  Task<void> join();
  std::size_t size() const;
  Executor executor() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A bounded pool for calls that block (SQL, hashing, files). run() resumes on the caller's executor with f's result, or
// with the exception that f threw.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : pool_(threads) {}
  ~BlockingPool() { pool_.join(); }
  template <class F>
  Task<std::invoke_result_t<F&>> run(F f) {
    using R = std::invoke_result_t<F&>;
    Executor executor = co_await asio::this_coro::executor;
    auto start = [this, executor](auto handler, F function) {
      asio::post(pool_, [handler = std::move(handler), function = std::move(function), executor]() mutable {
        std::optional<R> value;
        std::exception_ptr failure;
        try {
          value.emplace(function());
        } catch (...) {
          failure = std::current_exception();
        }
        asio::post(executor, [handler = std::move(handler), failure, value = std::move(value)]() mutable {
          std::move(handler)(failure, std::move(value));
        });
      });
    };
    using Signature = void(std::exception_ptr, std::optional<R>);
    std::optional<R> result = co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(
        std::move(start), asio::use_awaitable, std::move(f));
    co_return std::move(*result);
  }

 private:
  asio::thread_pool pool_;
};

// Wakes every waiter at once; made for "something changed, look again". Thread: its executor's.
class Notifier {
 public:
  explicit Notifier(Executor executor);
  void notify();
  // Returns after the next notify(), after the timeout, or on cancellation.
  Task<void> wait(std::chrono::milliseconds timeout);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace paastech::net
