#pragma once
// The tables that a database has, as it says itself. Thread: the one that has the session. Failures are
// soci::soci_error, as SOCI throws them.
#include <soci/soci.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace paastech::store {

enum class ColumnKind { kText, kNumber };
struct Table {
  std::map<std::string, ColumnKind> columns;
  std::set<std::string> parents = {};  // tables that its foreign keys point to
  bool operator==(const Table&) const = default;
};
using Schema = std::map<std::string, Table>;

// Without schema_migrations. kInternal where a column has a type, or a name, that no migration gives.
Result<Schema> read_schema(soci::session& sql);

// Every table after its parents. kInternal where they point in a circle.
Result<std::vector<std::string>> in_order_of_keys(const Schema& schema);

}  // namespace paastech::store
