#pragma once
// SOCI's sessions of SQLite, but with the statements they have prepared kept: preparing one takes longer than running
// it, half of what a list of Projects costs. SOCI itself prepares a statement each time. Thread: the one that has the
// session. Failures are soci::soci_error, as SOCI throws them.
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <memory>
#include <string>

namespace paastech::store {

// Opens the file, or makes it. path must have no quotation mark.
std::unique_ptr<soci::session> open_sqlite_session(const std::string& path);
// Of such a session, for what SOCI does not reach.
sqlite_api::sqlite3* sqlite_connection(soci::session& sql);

// Statements kept by a session: the program has about 200 texts, of which few are run often, and one takes 5 to 10 KB.
constexpr std::size_t kMostStatements = 64;

}  // namespace paastech::store
