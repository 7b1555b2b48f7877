#pragma once
// The database behind the Service; only the api role has it. SQLite in WAL mode with full sync: what a write
// acknowledged survives power loss. One writer connection, two for readers; each used by one thread at a time.
// Thread: any but a loop, since calls block, up to 1.5 s for a place or a lock. The functions of the table files are
// called inside write() and read(), on the same thread, with the Tx they are given.
#include <chrono>
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

class Database {
 public:
  // Opens (and makes) the file, applies the missing migrations, each in a transaction of its own. kFailedPrecondition
  // where the database is newer than the program. The file has mode 0600.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  // SQL errors become kUnavailable (locked, disk), kResourceExhausted (disk full) or kInternal; an exception of the
  // work kInternal. read() sees one moment of the database and may not change it.
  Status write(const std::function<Status(Tx&)>& work);
  Status read(const std::function<Status(Tx&)>& work);
  // The same, where the caller has waited before: kUnavailable once the deadline is over.
  using Deadline = std::chrono::steady_clock::time_point;
  static Deadline deadline();  // of work that begins now
  Status write(const std::function<Status(Tx&)>& work, Deadline deadline);
  Status read(const std::function<Status(Tx&)>& work, Deadline deadline);

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paastech::store
