#pragma once
// Helpers of the table files around SOCI; seen by them only. A statement runs once, so that it is not prepared before:
// on PostgreSQL that would be two more ways to the server and back.
#include <soci/soci.h>

#include <string>
#include <vector>

#include "store/database.h"

namespace paastech::store {

// Runs a query whose into() and use() elements were exchanged before; `row` is what the into() elements fill.
// complete(row) finishes each row, for columns that need another type. expected: rows, to make room for at once.
template <class Row, class Complete>
std::vector<Row> fetch_all(soci::statement& statement, const std::string& query, Row& row, Complete complete,
                           std::size_t expected = 0) {
  statement.alloc();
  statement.prepare(query, soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute();
  std::vector<Row> rows;
  rows.reserve(expected);
  while (statement.fetch()) {
    complete(row);
    rows.push_back(row);
  }
  return rows;
}
template <class Row>
std::vector<Row> fetch_all(soci::statement& statement, const std::string& query, Row& row) {
  return fetch_all(statement, query, row, [](Row&) {});
}

// Runs a changing statement with soci::use() values; gives the number of rows it changed.
template <class... Uses>
long long change(Tx& tx, const std::string& query, const Uses&... uses) {
  soci::statement statement(tx.sql);
  (statement.exchange(uses), ...);
  statement.alloc();
  statement.prepare(query, soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute(true);
  return statement.get_affected_rows();
}

}  // namespace paastech::store
