#include "store/sealed.h"

#include <fmt/format.h>

#include "base/keyring.h"
#include "store/rows.h"

namespace paastech::store {
namespace {

constexpr SealedColumn kColumns[] = {
    {"environment", "value", "environment", "project_id", "name"},
    {"deployments", "environment", "deployment", "project_id", "number", true},
    {"registries", "password", "registry", "project_id", "host"},
    {"clients", "totp", "totp", "id"},
    {"mails", "body", "mail", "id"},
    {"idempotency", "body", "idempotency", "client_id", "key"},
    {"idempotency", "fingerprint", "fingerprint", "client_id", "key"},
};

// Names of tables and columns are ours and stand in the text; values never do.
std::string second_value(const SealedColumn& column, const char* placeholder) {
  return column.second_is_number ? fmt::format("CAST({} AS BIGINT)", placeholder) : std::string(placeholder);
}

std::string page_query(const SealedColumn& column, bool first_page) {
  const bool pair = !column.second_key.empty();
  const std::string keys =
      pair ? fmt::format("{}, {}", column.first_key, column.second_key) : std::string(column.first_key);
  std::string query = fmt::format("SELECT {}", column.first_key);
  if (pair) query += fmt::format(", CAST({} AS TEXT)", column.second_key);
  query += fmt::format(", {0} FROM {1} WHERE {0} <> '' AND {0} NOT LIKE :newest", column.column, column.table);
  if (!first_page && pair)
    query += fmt::format(" AND ({}) > (:first, {})", keys, second_value(column, ":second"));
  else if (!first_page)
    query += fmt::format(" AND {} > :first", keys);
  // Qualified: PostgreSQL would take a bare name for the result column, which is text.
  query += fmt::format(" ORDER BY {}.{}", column.table, column.first_key);
  if (pair) query += fmt::format(", {}.{}", column.table, column.second_key);
  return query + " LIMIT :most";
}

// Ids of keys hold neither % nor _.
std::string pattern_of(const std::string& key) { return "v2:" + key + ":%"; }

std::int64_t count_like(Tx& tx, const SealedColumn& column, const std::string& pattern) {
  std::int64_t count = 0;
  tx.sql << fmt::format("SELECT COUNT(*) FROM {0} WHERE {1} <> '' AND {1} LIKE :pattern", column.table, column.column),
      soci::into(count), soci::use(pattern);
  return count;
}

}  // namespace

std::span<const SealedColumn> sealed_columns() { return kColumns; }

std::string context_of(const SealedColumn& column, const SealedRow& row) {
  std::string context(column.kind);
  for (const std::string& part : row.at) context += "/" + part;
  return context;
}

Result<std::vector<SealedRow>> sealed_with_another(Tx& tx, const SealedColumn& column, const std::string& newest,
                                                   const std::vector<std::string>& after, int most) {
  const std::string pattern = pattern_of(newest);
  SealedRow row;
  row.at.resize(column.second_key.empty() ? 1 : 2);
  soci::statement statement(tx.sql);
  for (std::string& part : row.at) statement.exchange(soci::into(part));
  statement.exchange(soci::into(row.value));
  statement.exchange(soci::use(pattern));
  for (const std::string& part : after) statement.exchange(soci::use(part));
  statement.exchange(soci::use(most));
  return fetch_all(statement, page_query(column, after.empty()), row);
}

Result<bool> replace_sealed(Tx& tx, const SealedColumn& column, const SealedRow& row, const std::string& value) {
  std::string query = fmt::format("UPDATE {0} SET {1} = :value WHERE {1} = :old AND {2} = :first", column.table,
                                  column.column, column.first_key);
  if (row.at.size() == 1) return change(tx, query, soci::use(value), soci::use(row.value), soci::use(row.at[0])) > 0;
  query += fmt::format(" AND {} = {}", column.second_key, second_value(column, ":second"));
  return change(tx, query, soci::use(value), soci::use(row.value), soci::use(row.at[0]), soci::use(row.at[1])) > 0;
}

Result<std::map<std::string, std::int64_t>> count_sealed(Tx& tx, const std::vector<std::string>& keys) {
  std::map<std::string, std::int64_t> counts;
  for (const SealedColumn& column : kColumns) {
    std::int64_t others = count_like(tx, column, "%");
    for (const std::string& key : keys) {
      std::int64_t count = count_like(tx, column, pattern_of(key));
      if (key == kFirstKeyId) count += count_like(tx, column, "v1:%");
      counts[key] += count;
      others -= count;
    }
    counts[""] += others;
  }
  return counts;
}

}  // namespace paastech::store
