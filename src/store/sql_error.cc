#include "store/sql_error.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace paastech::store {
namespace {

constexpr std::string_view kUniqueText = "UNIQUE constraint failed: ";

// SQLite's primary result code (https://sqlite.org/rescode.html), or SQLITE_ERROR where it is none of SQLite's errors.
int primary_code(const soci::soci_error& error) {
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return sqlite ? sqlite->result() & 0xff : SQLITE_ERROR;
}

}  // namespace

Error error_of(const soci::soci_error& error, const std::string& path) {
  const std::string reason = error.get_error_message();
  switch (primary_code(error)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::kUnavailable, "the database is locked by another program or a long write", "try again in a moment"};
    case SQLITE_FULL:
      return {Code::kResourceExhausted, "the disk of the database is full, so nothing was changed",
              "free space on the disk of " + path + " and try again"};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Code::kUnavailable, "the database " + path + " cannot be read or written: " + reason,
              "check the disk and the rights of that file and its folder"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::kInternal, "the database " + path + " is damaged: " + reason, "restore it from a backup"};
    default: return {Code::kInternal, "the database refused a statement: " + reason};
  }
}

Constraint broken_constraint(const soci::soci_error& error) {
  if (primary_code(error) != SQLITE_CONSTRAINT) return {};
  const std::string message = error.get_error_message();
  if (message.find("FOREIGN KEY constraint failed") != std::string::npos) return {Broken::kForeignKey};
  const std::size_t at = message.find(kUniqueText);
  if (at == std::string::npos) return {Broken::kOther};
  const std::size_t begin = at + kUniqueText.size();
  return {Broken::kUnique, message.substr(begin, message.find_first_of(", ", begin) - begin)};
}

}  // namespace paastech::store
