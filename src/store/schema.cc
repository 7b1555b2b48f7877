#include "store/schema.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "store/dialect.h"

namespace paastech::store {
namespace {

// Rows of three texts; a query that has fewer columns fills up with ''.
using Row = std::array<std::string, 3>;

std::vector<Row> rows_of(soci::session& sql, const std::string& query) {
  Row row;
  soci::statement statement = (sql.prepare << query, soci::into(row[0]), soci::into(row[1]), soci::into(row[2]));
  statement.execute();
  std::vector<Row> rows;
  while (statement.fetch()) rows.push_back(row);
  return rows;
}

// The text of both: table, column, type; and table, table that it points to.
constexpr const char* kSqliteColumns =
    "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c "
    "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'schema_migrations'";
constexpr const char* kSqliteKeys =
    "SELECT DISTINCT m.name, k.\"table\", '' FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k "
    "WHERE m.type = 'table'";
constexpr const char* kPostgresqlColumns =
    "SELECT c.table_name::text, c.column_name::text, c.data_type::text FROM information_schema.columns c "
    "JOIN information_schema.tables t USING (table_schema, table_name) "
    "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> 'schema_migrations'";
constexpr const char* kPostgresqlKeys =
    "SELECT DISTINCT c.relname::text, p.relname::text, '' FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
    "JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE k.contype = 'f' AND n.nspname = current_schema()";

// Names stand in the text of statements, so they may be nothing but names.
bool is_name(const std::string& text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

}  // namespace

Result<Schema> read_schema(soci::session& sql) {
  const bool server = is_postgresql(sql);
  Schema schema;
  for (const auto& [table, column, type] : rows_of(sql, server ? kPostgresqlColumns : kSqliteColumns)) {
    const bool text = type == "TEXT" || type == "text";
    const bool number = type == "INTEGER" || type == "integer" || type == "BIGINT" || type == "bigint";
    if (!is_name(table) || !is_name(column) || (!text && !number))
      return fail(Code::kInternal, fmt::format("the column {}.{} of type {} is not known", table, column, type));
    schema[table].columns[column] = text ? ColumnKind::kText : ColumnKind::kNumber;
  }
  for (const auto& [table, parent, none] : rows_of(sql, server ? kPostgresqlKeys : kSqliteKeys))
    if (table != parent) schema[table].parents.insert(parent);
  return schema;
}

Result<std::vector<std::string>> in_order_of_keys(const Schema& schema) {
  std::vector<std::string> order;
  const auto is_there = [&order](const std::string& name) { return std::ranges::find(order, name) != order.end(); };
  while (order.size() < schema.size()) {
    const std::size_t before = order.size();
    for (const auto& [name, table] : schema)
      if (!is_there(name) && std::ranges::all_of(table.parents, is_there)) order.push_back(name);
    if (order.size() == before) return fail(Code::kInternal, "the foreign keys of the tables point in a circle");
  }
  return order;
}

}  // namespace paastech::store
