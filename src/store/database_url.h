#pragma once
// Where the database is: `sqlite:PATH`, `postgresql://user:password@host:port/name?sslmode=…`, or a plain path, which
// is SQLite's. Thread: any.
#include <string>

#include "base/result.h"

namespace paastech::store {

struct DatabaseUrl {
  bool postgresql = false;
  std::string path;     // of SQLite
  std::string connect;  // of PostgreSQL, for libpq, with the password: never shown, never logged
  std::string shown;    // for people: the URL without its password
  bool has_password = false;
};

// password: used where it is not empty, instead of one in the URL. kInvalidArgument names no part of the URL, for its
// password could be in it.
Result<DatabaseUrl> parse_database_url(const std::string& url, const std::string& password = "");

}  // namespace paastech::store
