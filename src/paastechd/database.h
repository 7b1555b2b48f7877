#pragma once
// The database that the configuration names, and `paastechd database`. Thread: the caller's, at start or in a program
// of its own; the calls block.
#include <memory>
#include <string>

#include "base/result.h"
#include "paastechd/config.h"
#include "store/database.h"

namespace paastech {

// Waits up to 30 s for a PostgreSQL server that does not answer yet. Failures: as store::Database::open, and a password
// file that is missing or that others may read.
Result<std::unique_ptr<store::Database>> open_database(const Config& config);

// `paastechd database copy FROM TO`: moves everything to an empty database and prints the rows of each table. An empty
// `to` is the configured database. kFailedPrecondition while a paastechd runs with this home: what it wrote to the old
// database from then on would be lost.
Status copy_database(const Config& config, const std::string& from, const std::string& to);

}  // namespace paastech
