#include "store/copy.h"

#include <soci/soci.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>

#include "store/backend.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/schema.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

constexpr auto kCopyPatience = std::chrono::seconds(10);  // with other writers of either

std::int64_t number_of(soci::session& sql, const std::string& query) {
  std::int64_t number = 0;
  sql << query, soci::into(number);
  return number;
}

// A place for one row, whose columns are bound to it once for all rows.
struct RowBuffer {
  std::deque<std::string> texts;  // a deque: what is bound must not move
  std::deque<long long> numbers;
  std::deque<soci::indicator> indicators;
};

// Binds every column of the table with `bind`, in the order of the schema.
template <class Bind>
void bind_columns(const Table& table, RowBuffer& row, Bind bind) {
  std::size_t text = 0;
  std::size_t number = 0;
  std::size_t at = 0;
  for (const auto& [name, kind] : table.columns) {
    if (kind == ColumnKind::kText)
      bind(row.texts[text++], row.indicators[at++]);
    else
      bind(row.numbers[number++], row.indicators[at++]);
  }
}

std::string column_names(const Table& table) {
  std::string names;
  for (const auto& [name, kind] : table.columns) names += (names.empty() ? "\"" : ", \"") + name + "\"";
  return names;
}

std::string placeholders(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? ":v" : ", :v") + std::to_string(i);
  return out;
}

// PostgreSQL's text ends at a null character, which no text of the Service has.
bool has_null(const RowBuffer& row) {
  return std::ranges::any_of(row.texts, [](const std::string& text) { return text.find('\0') != std::string::npos; });
}

Result<std::int64_t> copy_rows(soci::session& from, soci::session& to, const std::string& name, const Table& table) {
  const std::size_t columns = table.columns.size();
  RowBuffer row{std::deque<std::string>(columns), std::deque<long long>(columns), std::deque<soci::indicator>(columns)};
  const std::string names = column_names(table);
  soci::statement source(from);
  bind_columns(table, row,
               [&source](auto& value, soci::indicator& given) { source.exchange(soci::into(value, given)); });
  source.alloc();
  source.prepare("SELECT " + names + " FROM \"" + name + "\"", soci::details::st_one_time_query);
  source.define_and_bind();
  soci::statement target(to);
  bind_columns(table, row,
               [&target](auto& value, soci::indicator& given) { target.exchange(soci::use(value, given)); });
  target.alloc();
  target.prepare("INSERT INTO \"" + name + "\" (" + names + ") VALUES (" + placeholders(columns) + ")");
  target.define_and_bind();
  std::int64_t rows = 0;
  source.execute();
  for (; source.fetch(); ++rows) {
    if (has_null(row)) return fail(Code::kFailedPrecondition, "a row has a null character in its text");
    target.execute(true);
  }
  if (number_of(to, "SELECT COUNT(*) FROM \"" + name + "\"") != rows)
    return fail(Code::kInternal, "not every row arrived");
  return rows;
}

Result<std::int64_t> copy_table(soci::session& from, soci::session& to, const std::string& name, const Table& table) {
  Result<std::int64_t> rows;
  try {
    rows = copy_rows(from, to, name, table);
  } catch (const soci::soci_error& error) {
    rows = std::unexpected(error_of(error, "of the source or the target"));
  }
  if (!rows) rows.error().message = "cannot copy the table " + name + ": " + rows.error().message;
  return rows;
}

Status check_source(soci::session& from, const DatabaseUrl& url) {
  const std::int64_t version = number_of(from, "SELECT COALESCE(MAX(version), 0) FROM schema_migrations");
  const std::int64_t known = known_migrations().back().version;
  if (version == known) return {};
  return fail(Code::kFailedPrecondition,
              "the database " + url.shown + " has schema version " + std::to_string(version) + ", but this program " +
                  std::to_string(known),
              version < known ? "start this program with it once, so that its migrations are applied, then stop it"
                              : "use the newer program");
}

// Both transactions are begun.
Result<Copied> copy_all(soci::session& from, soci::session& to, const DatabaseUrl& target) {
  TRY_ASSIGN(const Schema schema, read_schema(from));
  TRY_ASSIGN(const Schema other, read_schema(to));
  for (const auto& [name, table] : schema)
    if (!other.contains(name) || other.at(name) != table)
      return fail(Code::kFailedPrecondition, "the table " + name + " is not the same in both databases",
                  "one of them was changed by hand; give an empty target, and repair the source");
  if (schema.size() != other.size())
    return fail(Code::kFailedPrecondition, "the target has tables that the source does not have",
                "give an empty database");
  if (const std::int64_t clients = number_of(to, "SELECT COUNT(*) FROM clients"); clients > 0)
    return fail(Code::kFailedPrecondition,
                "the database " + target.shown + " already has " + std::to_string(clients) + " Clients",
                "give an empty database; nothing is merged");
  TRY_ASSIGN(const std::vector<std::string> order, in_order_of_keys(schema));
  // What migrations put there comes from the source too.
  for (auto table = order.rbegin(); table != order.rend(); ++table) to << "DELETE FROM \"" + *table + "\"";
  Copied copied;
  for (const std::string& table : order) {
    TRY_ASSIGN(const std::int64_t rows, copy_table(from, to, table, schema.at(table)));
    copied.emplace_back(table, rows);
  }
  return copied;
}

// Of whichever end failed; the transactions end with the sessions where they are not committed.
Result<Copied> transact(soci::session& from, soci::session& to, const DatabaseUrl& source, const DatabaseUrl& target) {
  const std::string both = source.shown + " or " + target.shown;
  try {
    begin_write(from, kCopyPatience);
    lift_time_limit(from);
    TRY(check_source(from, source));
    begin_write(to, kCopyPatience);
    lift_time_limit(to);
    TRY_ASSIGN(Copied copied, copy_all(from, to, target));
    to.commit();
    return copied;
  } catch (const soci::soci_error& error) {
    return std::unexpected(error_of(error, both));
  }
}

}  // namespace

Result<Copied> copy_database(const DatabaseUrl& from, const DatabaseUrl& to) {
  if (from.shown == to.shown) return fail(Code::kInvalidArgument, "the two databases are the same one");
  struct stat info{};
  if (!from.postgresql && ::stat(from.path.c_str(), &info) != 0)
    return fail(Code::kNotFound, "there is no database " + from.path, "name the file: sqlite:PATH");
  TRY_ASSIGN(const std::unique_ptr<soci::session> source, connect(from));
  TRY(open_backend(to, kCopyPatience));
  TRY_ASSIGN(const std::unique_ptr<soci::session> target, connect(to));
  return transact(*source, *target, from, to);
}

}  // namespace paastech::store
