#pragma once
// The database behind the Service; only the api role has it: a file of SQLite, in WAL mode with full sync, or a
// PostgreSQL server. What a write acknowledged survives power loss. One write runs at a time, over all processes, so
// that what it reads stays true until it commits; reads see one moment and do not wait for it. Thread: any but a loop,
// since calls block: up to 1.5 s for a place or a lock, and on PostgreSQL for the whole call, so that a server that
// went silent holds up nobody. The functions of the table files are called inside write() and read(), on the same
// thread, with the Tx they are given.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace soci {
class session;
}

namespace paastech::store {

// A transaction: commits where the function given to write() succeeds, rolls back where it returns an error or throws.
struct Tx {
  soci::session& sql;
};

class Backend;

class Database {
 public:
  struct Options {
    std::string password = {};                                      // of PostgreSQL, where it is not in the URL
    std::chrono::milliseconds patience = std::chrono::seconds(30);  // with a server that does not answer yet
  };
  // url: see database_url.h. Applies the missing migrations, each in a transaction of its own. kFailedPrecondition
  // where the database is newer than the program; kUnavailable where it cannot be reached. SQLite's file is made where
  // it is missing and has mode 0600.
  static Result<std::unique_ptr<Database>> open(const std::string& url, const Options& options);
  static Result<std::unique_ptr<Database>> open(const std::string& url) { return open(url, Options()); }
  ~Database();
  // SQL errors become kUnavailable (locked, away, disk), kResourceExhausted (disk full) or kInternal; an exception of
  // the work kInternal. read() sees one moment of the database and may not change it. Where a PostgreSQL server goes
  // away while it commits, kUnavailable says that it is not known whether the change was made.
  Status write(const std::function<Status(Tx&)>& work);
  Status read(const std::function<Status(Tx&)>& work);
  // The same, where the caller has waited before: kUnavailable once the deadline is over.
  using Deadline = std::chrono::steady_clock::time_point;
  static Deadline deadline();  // of work that begins now
  Status write(const std::function<Status(Tx&)>& work, Deadline deadline);
  Status read(const std::function<Status(Tx&)>& work, Deadline deadline);
  // How many writes have ended since the start. What was read is as it was as long as this stays the same, other
  // processes that write beside this one aside. Thread: any.
  std::uint64_t writes() const { return writes_; }
  std::size_t readers() const;  // reads that run at once; writes are one by one

 private:
  explicit Database(std::unique_ptr<Backend> backend);
  std::unique_ptr<Backend> backend_;
  std::atomic<std::uint64_t> writes_ = 0;
};

}  // namespace paastech::store
