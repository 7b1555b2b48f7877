#pragma once
// The database from coroutines: the work runs in one transaction on a pool of the database's and its result comes back
// to the loop. The callable gets store::Tx& and returns Result<T> or Status; an error rolls the transaction back.
// Writes and reads have a pool each, so that reads go on while the database is locked against writing. Waiting for a
// thread counts for the database's patience: the answer comes within it, however many wait.
#include <spdlog/spdlog.h>

#include <optional>

#include "net/task.h"
#include "store/database.h"

namespace paastech::controller {

class DatabaseAccess {
 public:
  DatabaseAccess(store::Database& database, net::BlockingPool& writes, net::BlockingPool& reads)
      : database_(database), writes_(writes), reads_(reads) {}

  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> write(
      F work, store::Database::Deadline deadline = store::Database::deadline()) {
    auto job = [this, work = std::move(work), deadline]() mutable {
      return transact<std::invoke_result_t<F&, store::Tx&>>(
          [&](const std::function<Status(store::Tx&)>& f) { return database_.write(f, deadline); }, work);
    };
    ++asked_;
    auto result = co_await writes_.run(std::move(job));
    co_return result;
  }
  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> read(F work) {
    auto job = [this, work = std::move(work), deadline = store::Database::deadline()]() mutable {
      return transact<std::invoke_result_t<F&, store::Tx&>>(
          [&](const std::function<Status(store::Tx&)>& f) { return database_.read(f, deadline); }, work);
    };
    ++asked_;
    auto result = co_await reads_.run(std::move(job));
    co_return result;
  }
  std::uint64_t writes() const { return database_.writes(); }
  std::uint64_t asked() const { return asked_; }  // how often something was handed to the pools
  // What else blocks, such as reading a file: on the readers' threads, in no transaction.
  template <class F>
  net::Task<std::invoke_result_t<F&>> beside(F job) {
    ++asked_;
    auto result = co_await reads_.run(std::move(job));
    co_return result;
  }
  // Whether it takes changes at this moment: for an answer that promises work which begins after it.
  net::Task<Status> takes_changes() {
    auto nothing = [](store::Tx&) -> Status { return {}; };
    Status taken = co_await write(std::move(nothing));
    co_return taken;
  }
  // For work that was begun and must come to its end: where the database is locked or its disk is full, tries again
  // every second until it is not.
  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> write_at_last(F work) {
    bool said = false;
    while (true) {
      F once = work;
      auto result = co_await write(std::move(once));
      if (!passes(result)) co_return result;
      if (!std::exchange(said, true)) spdlog::warn("the database: {}; trying again", result.error().message);
      [[maybe_unused]] Status slept = co_await net::sleep_for(std::chrono::seconds(1));
    }
  }
  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> read_at_last(F work) {
    while (true) {
      F once = work;
      auto result = co_await read(std::move(once));
      if (!passes(result)) co_return result;
      [[maybe_unused]] Status slept = co_await net::sleep_for(std::chrono::seconds(1));
    }
  }

 private:
  template <class R>
  static bool passes(const R& result) {
    return !result && (result.error().code == Code::kUnavailable || result.error().code == Code::kResourceExhausted);
  }
  template <class R, class Run, class F>
  static R transact(Run run, F& work) {
    std::optional<R> out;
    Status status = run([&](store::Tx& tx) -> Status {
      out.emplace(work(tx));
      if (!*out) return std::unexpected(out->error());
      return {};
    });
    if (!status) return std::unexpected(std::move(status).error());
    return std::move(*out);
  }
  store::Database& database_;
  net::BlockingPool& writes_;
  net::BlockingPool& reads_;
  std::uint64_t asked_ = 0;
};

}  // namespace paastech::controller
