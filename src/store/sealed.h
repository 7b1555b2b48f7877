#pragma once
// The columns that hold sealed values (base/secret.h), and how to go through them. Called inside Database::write or
// read, on the database's thread. A new sealed column is added to sealed_columns(): what is not there is not sealed
// anew when the key is rotated, and would be lost with the old key. A test compares it with the migrations' comments.
// An empty text in such a column stands for no value.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace paastech::store {

struct SealedColumn {
  std::string_view table;
  std::string_view column;
  std::string_view kind;       // the first part of the context; the key columns' values follow: "totp/<id>"
  std::string_view first_key;  // the primary key, of one column or two
  std::string_view second_key = {};
  bool second_is_number = false;
};
std::span<const SealedColumn> sealed_columns();

struct SealedRow {
  std::vector<std::string> at;  // the primary key
  std::string value;
};
std::string context_of(const SealedColumn& column, const SealedRow& row);

// At most `most` rows by primary key, from the one after `after` (empty: from the first), whose value is not sealed
// with the key `newest`. The form v1 counts as another key, whichever that is.
Result<std::vector<SealedRow>> sealed_with_another(Tx& tx, const SealedColumn& column, const std::string& newest,
                                                   const std::vector<std::string>& after, int most);
// Puts `value` in the place of the row's; false where that has changed or is gone.
Result<bool> replace_sealed(Tx& tx, const SealedColumn& column, const SealedRow& row, const std::string& value);

// Sealed values by the id of their key, of the ids given; under the empty name those of any other key or of no form.
Result<std::map<std::string, std::int64_t>> count_sealed(Tx& tx, const std::vector<std::string>& keys);

}  // namespace paastech::store
