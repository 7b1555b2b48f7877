#pragma once
// Where SQLite and PostgreSQL need different words for the same thing: connecting, beginning, the text of migrations.
// Thread: each function the one that has the session. Failures are soci::soci_error, as SOCI throws them.
#include <soci/soci.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/database_url.h"

namespace paastech::store {

bool is_postgresql(soci::session& sql);

// A session with the settings that all need. kFailedPrecondition where the server is too old for the program, or does
// not keep UTF-8; kUnavailable, with libpq's reason, where it is away or refuses; a file's errors as error_of() maps
// them. Does not throw.
Result<std::unique_ptr<soci::session>> connect(const DatabaseUrl& url);

// Begins a transaction that no other writer of this database, in any process, is in at the same time; waits `patience`
// for that. What is read in it stays true until its end. SQLite has one writer by nature; on PostgreSQL it is who has
// the advisory lock of the schema, and no statement may take longer than `patience`.
void begin_write(soci::session& sql, std::chrono::milliseconds patience);
// Begins one that sees one moment of the database; on PostgreSQL it cannot change it.
void begin_read(soci::session& sql, std::chrono::milliseconds patience);
// For the rest of the transaction a statement may take as long as it likes; a lock still not.
void lift_time_limit(soci::session& sql);
// Rolls back what is begun, or does nothing where the database has done so by itself, or is gone.
void roll_back(soci::session& sql);

// Of PostgreSQL. The socket, to be cut where the server does not answer; whether the session can be used again.
int socket_of(soci::session& sql);
bool is_usable(soci::session& sql);
// Whether a statement of the transaction has failed: PostgreSQL would take a COMMIT for a ROLLBACK, without an error.
bool has_failed(soci::session& sql);

// A statement of a migration in the words of the session's database. Text on PostgreSQL is compared byte by byte, as
// SQLite does: the order of lists must not depend on the server's language, nor an index on its C library.
std::string in_dialect(soci::session& sql, const std::string& statement);

}  // namespace paastech::store
