#pragma once
// The database from coroutines: the work runs in one transaction on the database's pool and its result comes back to
// the loop. The callable gets store::Tx& and returns Result<T> or Status; an error rolls the transaction back.
#include <optional>

#include "net/task.h"
#include "store/database.h"

namespace paastech::controller {

class DatabaseAccess {
 public:
  DatabaseAccess(store::Database& database, net::BlockingPool& pool) : database_(database), pool_(pool) {}

  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> write(F work) {
    auto job = [this, work = std::move(work)]() mutable {
      return transact<std::invoke_result_t<F&, store::Tx&>>(
          [this](const std::function<Status(store::Tx&)>& f) { return database_.write(f); }, work);
    };
    auto result = co_await pool_.run(std::move(job));
    co_return result;
  }
  template <class F>
  net::Task<std::invoke_result_t<F&, store::Tx&>> read(F work) {
    auto job = [this, work = std::move(work)]() mutable {
      return transact<std::invoke_result_t<F&, store::Tx&>>(
          [this](const std::function<Status(store::Tx&)>& f) { return database_.read(f); }, work);
    };
    auto result = co_await pool_.run(std::move(job));
    co_return result;
  }

 private:
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
  net::BlockingPool& pool_;
};

}  // namespace paastech::controller
