#include "store/dialect.h"

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>

#include "base/text.h"
#include "store/sql_error.h"
#include "store/sqlite_session.h"

namespace paastech::store {
namespace {

using std::chrono::milliseconds;

constexpr int kLeastServer = 150000;  // PostgreSQL 15, the oldest that the tests know

// Set once a session.
// client_min_messages: notices would go to standard error.
// idle_in_transaction_session_timeout, client_connection_check_interval, tcp_*: a program that was killed, froze or
// lost
//   its network gives up the lock of the writers within about 10 s. Ours is idle between statements for milliseconds.
// synchronous_commit: what a write acknowledged survives a power loss, whatever the server's default is.
constexpr const char* kSettings =
    "SET client_min_messages = error;"
    "SET idle_in_transaction_session_timeout = '10s';"
    "SET client_connection_check_interval = '1s';"
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;"
    "SET tcp_user_timeout = '10s';"
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

// What libpq said, on one line, without SOCI's words before it.
std::string reason_of(const soci::soci_error& error) {
  std::string text = error.get_error_message();
  if (const std::size_t at = text.find('\n'); at != std::string::npos) text.erase(0, at + 1);
  text = trim(text);
  std::ranges::replace(text, '\n', ' ');
  std::erase(text, '\t');
  return text;
}

PGconn* connection_of(soci::session& sql) {
  return static_cast<soci::postgresql_session_backend*>(sql.get_backend())->conn_;
}

void set_busy_timeout(soci::session& sql, milliseconds time) {
  sqlite_api::sqlite3_busy_timeout(sqlite_connection(sql), static_cast<int>(time.count()));
}

std::unique_ptr<soci::session> connect_sqlite(const std::string& path) {
  std::unique_ptr<soci::session> session = open_sqlite_session(path);
  set_busy_timeout(*session, milliseconds(1500));
  *session << "PRAGMA foreign_keys=ON";
  *session << "PRAGMA synchronous=FULL";
  return session;
}

Result<std::unique_ptr<soci::session>> connect_postgresql(const DatabaseUrl& url) {
  auto session = std::make_unique<soci::session>(soci::postgresql, url.connect);
  PGconn* connection = connection_of(*session);
  if (PQserverVersion(connection) < kLeastServer)
    return fail(Code::kFailedPrecondition, "the database server is older than PostgreSQL 15", "use a newer server");
  const char* encoding = PQparameterStatus(connection, "server_encoding");
  if (!encoding || std::strcmp(encoding, "UTF8") != 0)
    return fail(Code::kFailedPrecondition, "the database does not keep its text as UTF-8",
                "make one with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0");
  // Its fields are what sql_error.cc reads; the rows of a failed statement are left out there.
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  PQsetErrorContextVisibility(connection, PQSHOW_CONTEXT_NEVER);
  *session << kSettings;
  return session;
}

// SET takes no placeholders; the number is ours.
std::string timeouts(milliseconds patience) {
  const auto most = std::max<milliseconds::rep>(patience.count(), 0);
  return fmt::format("SET LOCAL statement_timeout = {0}; SET LOCAL lock_timeout = {0}", most);
}

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

bool is_postgresql(soci::session& sql) { return sql.get_backend_name() == "postgresql"; }

Result<std::unique_ptr<soci::session>> connect(const DatabaseUrl& url) {
  try {
    if (url.postgresql) return connect_postgresql(url);
    return connect_sqlite(url.path);
  } catch (const soci::soci_error& error) {
    if (url.postgresql) return fail(Code::kUnavailable, reason_of(error));
    return std::unexpected(error_of(error, url.path));
  }
}

// READ COMMITTED is enough: once the lock is there each statement sees all that the writers before have committed, and
// nobody else changes it. The lock goes with the transaction, after its changes are to be seen. Its first number is
// ours
// ("PaaS"), the second the schema's, since two Services may share a database but not a schema.
void begin_write(soci::session& sql, milliseconds patience) {
  if (is_postgresql(sql)) {
    sql << "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;" << timeouts(patience)
        << ";SELECT pg_advisory_xact_lock(1348559187, oid::integer) FROM pg_namespace WHERE nspname = current_schema()";
    return;
  }
  set_busy_timeout(sql, patience);
  sql << "BEGIN IMMEDIATE";
}

void begin_read(soci::session& sql, milliseconds patience) {
  if (is_postgresql(sql)) {
    sql << "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" << timeouts(patience);
    return;
  }
  set_busy_timeout(sql, patience);
  sql << "BEGIN";
}

void lift_time_limit(soci::session& sql) {
  if (is_postgresql(sql)) sql << "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
}

void roll_back(soci::session& sql) {
  try {
    sql.rollback();
  } catch (const soci::soci_error& error) {
    // The connection is gone, and what it had begun with it.
    spdlog::debug("rolling back: {}", error.what());
  }
}

int socket_of(soci::session& sql) { return PQsocket(connection_of(sql)); }

bool is_usable(soci::session& sql) {
  const PGconn* connection = connection_of(sql);
  return PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) == PQTRANS_IDLE;
}

bool has_failed(soci::session& sql) {
  return is_postgresql(sql) && PQtransactionStatus(connection_of(sql)) == PQTRANS_INERROR;
}

std::string in_dialect(soci::session& sql, const std::string& statement) {
  if (!is_postgresql(sql)) return statement;
  constexpr std::string_view kText = "TEXT";
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    const char c = statement[i];
    if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    else if (c == quote)
      quote = 0;
    out += c;
    if (quote != 0 || !out.ends_with(kText)) continue;
    const bool begins = out.size() == kText.size() || !is_letter(out[out.size() - kText.size() - 1]);
    const bool ends = i + 1 == statement.size() || !is_letter(statement[i + 1]);
    if (begins && ends) out += " COLLATE \"C\"";
  }
  return out;
}

}  // namespace paastech::store
