#pragma once
// Brings a database to the schema the program knows. Used by Database::open; blocking; thread: the caller's.
// A migration and its row in schema_migrations are one transaction: one that was killed leaves nothing and runs again.
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace soci {
class session;
}

namespace paastech::store {

struct Migration {
  std::int64_t version = 0;  // from 1, without gaps
  std::string name;
  std::string sql;  // statements, each ended by a semicolon
};

const std::vector<Migration>& known_migrations();  // migrations/NNNN_name.sql, embedded by CMake

// kFailedPrecondition where the database is newer than the program; an SQL failure as error_of() maps it.
Status migrate(soci::session& sql, const std::vector<Migration>& migrations, const std::string& path);

// The statements of a migration, without comments. Knows quotes and `--` comments, not functions with bodies.
std::vector<std::string> split_statements(const std::string& sql);

}  // namespace paastech::store
