#pragma once
// The database behind the Service; only the api role has it. SQLite in WAL mode with full sync: what a write
// acknowledged survives power loss. One writer connection on one thread, readers on two more.
// Thread: run() is called on the control-plane loop (see net::BlockingPool); the functions of the table files are called
// inside, on the database's thread, with the Tx they are given.
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
  // where the database is newer than the program.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  // Blocking; called from a pool's thread. SQL errors become kUnavailable (locked, disk) or kInternal.
  Status write(const std::function<Status(Tx&)>& work);
  Status read(const std::function<Status(Tx&)>& work);

 private:
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace paastech::store
