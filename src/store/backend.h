#pragma once
// What a Database stands on: SQLite's file or a PostgreSQL server. Thread: any but a loop, since calls block.
#include <soci/soci.h>

#include <memory>

#include "store/database.h"
#include "store/database_url.h"

namespace paastech::store {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Status write(const std::function<Status(Tx&)>& work, Database::Deadline deadline) = 0;
  virtual Status read(const std::function<Status(Tx&)>& work, Database::Deadline deadline) = 0;
  virtual std::size_t readers() const = 0;
};

// Opens and migrates it: see Database::open.
Result<std::unique_ptr<Backend>> open_backend(const DatabaseUrl& url, std::chrono::milliseconds patience);
Result<std::unique_ptr<Backend>> open_sqlite(const DatabaseUrl& url);
Result<std::unique_ptr<Backend>> open_postgresql(const DatabaseUrl& url, std::chrono::milliseconds patience);

// Runs the work in the transaction that is begun; commits where it succeeds, else rolls back. where: names the database
// in errors.
Status finish_transaction(soci::session& sql, const std::function<Status(Tx&)>& work, const std::string& where);

}  // namespace paastech::store
