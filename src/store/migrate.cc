#include "store/migrate.h"

#include <soci/soci.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "store/dialect.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

// Another program that starts at the same time may be at its migrations.
constexpr auto kMigrationPatience = std::chrono::seconds(10);

constexpr const char* kSchemaMigrations =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, "
    "applied_at BIGINT NOT NULL)";

std::int64_t version_of(soci::session& sql) {
  std::int64_t version = 0;
  sql << "SELECT COALESCE(MAX(version), 0) FROM schema_migrations", soci::into(version);
  return version;
}

void apply(soci::session& sql, const Migration& migration) {
  for (const std::string& statement : split_statements(migration.sql)) sql << in_dialect(sql, statement);
  const std::int64_t now = SystemClock().now_ms();
  sql << "INSERT INTO schema_migrations (version, name, applied_at) VALUES (:version, :name, :at)",
      soci::use(migration.version), soci::use(migration.name), soci::use(now);
}

// Applies the first missing migration; false where none is missing. The question is asked inside the write transaction,
// so that two programs starting at once do not apply one twice.
Result<bool> apply_next(soci::session& sql, const std::vector<Migration>& migrations, const std::string& path) {
  sql << in_dialect(sql, kSchemaMigrations);
  const std::int64_t newest = migrations.empty() ? 0 : migrations.back().version;
  const std::int64_t found = version_of(sql);
  if (found > newest)
    return fail(Code::kFailedPrecondition,
                "the database " + path + " has schema version " + std::to_string(found) +
                    ", but this program knows only up to " + std::to_string(newest),
                "start the newer program again, or restore the backup made before the upgrade");
  const auto next = std::ranges::find(migrations, found + 1, &Migration::version);
  if (next == migrations.end()) return false;
  apply(sql, *next);
  return true;
}

}  // namespace

std::vector<std::string> split_statements(const std::string& sql) {
  std::vector<std::string> statements;
  std::string current;
  char quote = 0;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote == 0 && c == '-' && i + 1 < sql.size() && sql[i + 1] == '-') {
      i = std::min(sql.find('\n', i), sql.size()) - 1;
    } else if (quote == 0 && c == ';') {
      statements.emplace_back(trim(current));
      current.clear();
    } else {
      if (quote == 0 && (c == '\'' || c == '"'))
        quote = c;
      else if (c == quote)
        quote = 0;
      current.push_back(c);
    }
  }
  statements.emplace_back(trim(current));
  std::erase(statements, "");
  return statements;
}

Status migrate(soci::session& sql, const std::vector<Migration>& migrations, const std::string& path) {
  bool more = true;
  while (more) {
    try {
      begin_write(sql, kMigrationPatience);
      lift_time_limit(sql);
      const Result<bool> applied = apply_next(sql, migrations, path);
      if (!applied) {
        roll_back(sql);
        return std::unexpected(applied.error());
      }
      sql.commit();
      more = *applied;
    } catch (const soci::soci_error& error) {
      Error failed = error_of(error, path);
      roll_back(sql);
      return std::unexpected(std::move(failed));
    }
  }
  return {};
}

}  // namespace paastech::store
