#include "store/sql_error.h"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "base/text.h"

namespace paastech::store {
namespace {

constexpr std::string_view kUniqueText = "UNIQUE constraint failed: ";

// SQLite's primary result code (https://sqlite.org/rescode.html), or SQLITE_ERROR where it is none of SQLite's errors.
int primary_code(const soci::soci_error& error) {
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return sqlite ? sqlite->result() & 0xff : SQLITE_ERROR;
}

Error away() { return {Code::kUnavailable, "the database does not answer", "try again in a moment"}; }
Error locked() {
  return {Code::kUnavailable, "the database is locked by another program or a long write", "try again in a moment"};
}

Error sqlite_error(const soci::soci_error& error, const std::string& path) {
  const std::string reason = error.get_error_message();
  switch (primary_code(error)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return locked();
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

Constraint sqlite_constraint(const soci::soci_error& error) {
  if (primary_code(error) != SQLITE_CONSTRAINT) return {};
  const std::string message = error.get_error_message();
  if (message.find("FOREIGN KEY constraint failed") != std::string::npos) return {Broken::kForeignKey};
  const std::size_t at = message.find(kUniqueText);
  if (at == std::string::npos) return {Broken::kOther};
  const std::size_t begin = at + kUniqueText.size();
  return {Broken::kUnique, message.substr(begin, message.find_first_of(", ", begin) - begin)};
}

// What PostgreSQL says, which libpq writes down in lines (dialect.cc asks for all of them):
//   … ERROR:  23505: duplicate key value violates unique constraint "clients_email_key"
//   DETAIL:  Key (email)=(ann@example.org) already exists.
//   TABLE NAME:  clients
// The server may speak any language; libpq's names of the lines, and the form (columns)=(values), are the same in all.
class ServerError {
 public:
  explicit ServerError(const soci::postgresql_soci_error& error)
      : state_(error.sqlstate()), text_(error.get_error_message()) {}

  const std::string& state() const { return state_; }
  bool of_class(std::string_view two) const { return std::string_view(state_).starts_with(two); }
  // Without the lines that follow it, in which values may stand.
  std::string reason() const {
    const std::size_t at = text_.find(state_ + ": ");
    if (at == std::string::npos) return "SQLSTATE " + state_;
    const std::size_t begin = at + state_.size() + 2;
    return text_.substr(begin, text_.find('\n', begin) - begin);
  }
  std::string first_column() const {
    const std::string detail = line("\nDETAIL:  ", text_.find("\nDETAIL:  "));
    const std::size_t end = detail.find(")=(");
    if (end == std::string::npos) return {};
    const std::size_t begin = detail.rfind('(', end) + 1;
    return detail.substr(begin, std::min(end, detail.find(',', begin)) - begin);
  }
  // The last such line: a value in the detail before it could hold a line that looks the same.
  std::string table() const { return line("\nTABLE NAME:  ", text_.rfind("\nTABLE NAME:  ")); }

 private:
  std::string line(std::string_view name, std::size_t at) const {
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size();
    return text_.substr(begin, text_.find('\n', begin) - begin);
  }
  std::string state_;
  std::string text_;
};

// https://www.postgresql.org/docs/15/errcodes-appendix.html
Error server_error(const ServerError& error) {
  const std::string& state = error.state();
  if (trim(state).empty() || error.of_class("08") || error.of_class("57P") || state == "25P03" || state == "53300")
    return away();  // blank: the connection broke, so that the server could not say why
  if (state == "55P03" || state == "57014" || state == "40001" || state == "40P01") return locked();
  if (state == "53100")
    return {Code::kResourceExhausted, "the disk of the database is full, so nothing was changed",
            "free space on the disk of the database server and try again"};
  if (error.of_class("53") || error.of_class("58"))
    return {Code::kUnavailable, "the database server has a problem with its machine: " + error.reason(),
            "look at the memory and the disk of the database server"};
  if (state == "XX001" || state == "XX002")
    return {Code::kInternal, "the database is damaged: " + error.reason(), "look at the database server's log"};
  if (error.of_class("22"))  // its text repeats the value
    return {Code::kInternal, "the database refused a value (SQLSTATE " + state + ")"};
  if (state == "42501")
    return {Code::kInternal, "the database refused a statement: " + error.reason(),
            "let the user of the database's URL own the database"};
  return {Code::kInternal, "the database refused a statement: " + error.reason()};
}

Constraint server_constraint(const ServerError& error) {
  if (!error.of_class("23")) return {};
  if (error.state() == "23503") return {Broken::kForeignKey};
  if (error.state() == "23505") return {Broken::kUnique, error.table() + "." + error.first_column()};
  return {Broken::kOther};
}

}  // namespace

Error error_of(const soci::soci_error& error, const std::string& path) {
  const auto* server = dynamic_cast<const soci::postgresql_soci_error*>(&error);
  return server ? server_error(ServerError(*server)) : sqlite_error(error, path);
}

Constraint broken_constraint(const soci::soci_error& error) {
  const auto* server = dynamic_cast<const soci::postgresql_soci_error*>(&error);
  return server ? server_constraint(ServerError(*server)) : sqlite_constraint(error);
}

}  // namespace paastech::store
