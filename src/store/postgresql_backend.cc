#include <libpq-fe.h>
#include <soci/soci.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "store/backend.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/session_pool.h"
#include "store/sql_error.h"
#include "store/watchdog.h"

namespace paastech::store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

// One writer, for writes run one by one over all processes anyway (dialect.h). Readers wait for the network most of
// their time; four keep two cores busy and leave a server with the usual 100 connections alone.
constexpr std::size_t kReaders = 4;
// The server ends a late statement at the deadline by itself and the connection can be kept; only a server that does
// not is cut off. Together with the deadline of 1.5 s below 2 s.
constexpr auto kGrace = 300ms;
constexpr auto kBetweenTries = 250ms;  // of connecting

// At start the server may still be starting too. One that answers and refuses is not waited for.
Result<std::unique_ptr<soci::session>> connect_at_last(const DatabaseUrl& url, Milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  bool said = false;
  while (true) {
    Result<std::unique_ptr<soci::session>> session = connect(url);
    if (session || session.error().code != Code::kUnavailable) return session;
    const std::string& reason = session.error().message;
    if (PQping(url.connect.c_str()) == PQPING_OK)
      return fail(Code::kFailedPrecondition, "the database server refuses " + url.shown + ": " + reason,
                  "correct database.url and its password; the database must be there and belong to that user");
    if (Clock::now() >= end)
      return fail(Code::kUnavailable, "the database " + url.shown + " does not answer: " + reason,
                  "start the database server, or correct database.url");
    if (!std::exchange(said, true)) spdlog::warn("waiting for the database {}: {}", url.shown, reason);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

class PostgresqlBackend : public Backend {
 public:
  // first: connected and migrated; it becomes the writer.
  PostgresqlBackend(DatabaseUrl url, std::unique_ptr<soci::session> first) : url_(std::move(url)) {
    writer_.pool.add(std::move(first));
    readers_.missing = kReaders;
    keeper_ = std::thread([this] { keep(); });
  }
  ~PostgresqlBackend() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    keeper_.join();
  }

  Status write(const std::function<Status(Tx&)>& work, Database::Deadline deadline) override {
    return transact(writer_, &begin_write, work, deadline);
  }
  Status read(const std::function<Status(Tx&)>& work, Database::Deadline deadline) override {
    return transact(readers_, &begin_read, work, deadline);
  }
  std::size_t readers() const override { return kReaders; }

 private:
  struct Side {
    SessionPool pool;
    std::size_t missing = 0;  // sessions that broke and are to be replaced; guarded by mutex_
  };

  // A session that broke while nobody used it shows when a transaction begins: nothing is lost then, and the next one
  // is tried, or waited for.
  Status transact(Side& side, void (*begin)(soci::session&, Milliseconds), const std::function<Status(Tx&)>& work,
                  Database::Deadline deadline) {
    while (true) {
      SessionPool::Lease lease = side.pool.take(deadline);
      const auto left = std::chrono::duration_cast<Milliseconds>(deadline - Clock::now());
      if (!lease || left < 1ms) return none_free();
      std::optional<Status> done = attempt(lease.sql(), begin, work, deadline, left);
      if (!is_usable(lease.sql())) replace(side, lease);
      if (done) return *std::move(done);
    }
  }

  // Empty where the session was broken before anything was done with it.
  std::optional<Status> attempt(soci::session& sql, void (*begin)(soci::session&, Milliseconds),
                                const std::function<Status(Tx&)>& work, Database::Deadline deadline,
                                Milliseconds left) {
    const Watchdog::Watch watch(watchdog_, socket_of(sql), deadline + kGrace);
    try {
      begin(sql, left);
    } catch (const soci::soci_error& error) {
      const Error found = error_of(error, url_.shown);
      roll_back(sql);
      if (!is_usable(sql)) return std::nullopt;
      return std::unexpected(found);
    }
    return finish_transaction(sql, work, url_.shown);
  }

  Status none_free() {
    if (away_) return fail(Code::kUnavailable, "the database does not answer", "try again in a moment");
    return fail(Code::kUnavailable, "the database is busy", "try again in a moment");
  }

  void replace(Side& side, SessionPool::Lease& lease) {
    lease.discard();
    {
      const std::lock_guard lock(mutex_);
      ++side.missing;
    }
    changed_.notify_one();
  }

  // The keeper's thread: connecting takes longer than a call may, so that it happens beside the calls, which wait for
  // the pool.
  void keep() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      Side* side = writer_.missing > 0 ? &writer_ : readers_.missing > 0 ? &readers_ : nullptr;
      if (!side) {
        changed_.wait(lock);
        continue;
      }
      lock.unlock();
      Result<std::unique_ptr<soci::session>> session = connect(url_);
      if (session) {
        if (away_.exchange(false)) spdlog::info("the database {} answers again", url_.shown);
        side->pool.add(std::move(*session));
      } else if (!away_.exchange(true)) {
        spdlog::error("the database {} does not answer: {}", url_.shown, session.error().message);
      }
      lock.lock();
      if (session)
        --side->missing;
      else
        changed_.wait_for(lock, kBetweenTries, [this] { return ending_; });
    }
  }

  const DatabaseUrl url_;
  Watchdog watchdog_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Side writer_;
  Side readers_;
  std::atomic<bool> away_ = false;
  bool ending_ = false;
  std::thread keeper_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_postgresql(const DatabaseUrl& url, Milliseconds patience) {
  TRY_ASSIGN(std::unique_ptr<soci::session> first, connect_at_last(url, patience));
  TRY(migrate(*first, known_migrations(), url.shown));
  return std::make_unique<PostgresqlBackend>(url, std::move(first));
}

}  // namespace paastech::store
