#pragma once
// Moves a Service's database: every row of every table to an empty database of the other kind, or of the same.
// Thread: the caller's; blocks as long as it takes.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/database_url.h"

namespace paastech::store {

using Copied = std::vector<std::pair<std::string, std::int64_t>>;  // table → rows, in the order they were copied

// The source is read in one transaction that keeps writers out; what is written is one transaction of the target, so
// that a copy that fails or is killed leaves nothing. The target is brought to the program's schema first.
// kFailedPrecondition where the source has another schema version, the target already has Clients, or the tables of the
// two differ; kUnavailable where one is locked or away. Tables and columns are asked from the databases.
Result<Copied> copy_database(const DatabaseUrl& from, const DatabaseUrl& to);

}  // namespace paastech::store
