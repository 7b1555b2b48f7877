#include "store/key_check.h"

#include <fmt/format.h>

#include <optional>

#include "store/rows.h"
#include "store/sealed.h"

namespace paastech::store {
namespace {

constexpr std::string_view kContext = "settings/key_check";
constexpr std::string_view kPlain = "paastech";  // says nothing; that it opens is the proof
constexpr int kSample = 100;                     // values a column that are tried where there is no check value yet

Result<std::optional<std::string>> stored_check(Database& database) {
  std::optional<std::string> found;
  TRY(database.read([&](Tx& tx) -> Status {
    std::string value;
    tx.sql << "SELECT value FROM settings WHERE name = 'key_check'", soci::into(value);
    if (tx.sql.got_data()) found = value;
    return {};
  }));
  return found;
}

std::unexpected<Error> another_key(const std::string& why) {
  return fail(Code::kFailedPrecondition, "this is not the key that the database was written with: " + why);
}

// Of a database of before there was a check value. One damaged value does not make the key a wrong one.
Status opens_what_is_there(Database& database, const SecretBox& secrets) {
  std::string why;
  bool opened = false;
  TRY(database.read([&](Tx& tx) -> Status {
    for (const SealedColumn& column : sealed_columns()) {
      TRY_ASSIGN(const std::vector<SealedRow> rows, sealed_with_another(tx, column, "", {}, kSample));
      for (const SealedRow& row : rows) {
        const Result<std::string> plain = secrets.open(row.value, context_of(column, row));
        if (plain)
          opened = true;
        else
          why = plain.error().message;
      }
    }
    return {};
  }));
  if (!opened && !why.empty()) return another_key(why);
  return {};
}

}  // namespace

Status check_key(Database& database, const SecretBox& secrets) {
  TRY_ASSIGN(const std::optional<std::string> stored, stored_check(database));
  if (stored) {
    const Result<std::string> plain = secrets.open(*stored, kContext);
    if (!plain) return another_key(plain.error().message);
    return {};
  }
  TRY(opens_what_is_there(database, secrets));
  const std::string value = secrets.seal(kPlain, kContext);
  return database.write([&](Tx& tx) -> Status {
    change(tx, "INSERT INTO settings (name, value) VALUES ('key_check', :value) ON CONFLICT (name) DO NOTHING",
           soci::use(value));
    return {};
  });
}

Result<std::string> checked_key(Database& database) {
  TRY_ASSIGN(const std::optional<std::string> stored, stored_check(database));
  return std::string(stored ? sealing_key_of(*stored) : std::string_view());
}

Status reseal_key_check(Database& database, const SecretBox& secrets) {
  const std::string value = secrets.seal(kPlain, kContext);
  return database.write([&](Tx& tx) -> Status {
    change(tx, "UPDATE settings SET value = :value WHERE name = 'key_check'", soci::use(value));
    return {};
  });
}

Result<bool> knows_a_key(Database& database) {
  TRY_ASSIGN(const std::string key, checked_key(database));
  if (!key.empty()) return true;
  bool sealed = false;
  TRY(database.read([&](Tx& tx) -> Status {
    TRY_ASSIGN(const auto counts, count_sealed(tx, {}));
    sealed = counts.at("") > 0;
    return {};
  }));
  return sealed;
}

}  // namespace paastech::store
