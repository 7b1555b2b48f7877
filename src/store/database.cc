#include "store/database.h"

#include <fcntl.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "store/migrate.h"
#include "store/session_pool.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Waiting for a session and for SQLite's own lock together, so that an answer comes within 2 s while the database is
// locked.
constexpr auto kPatience = 1500ms;
constexpr int kReaders = 2;

void set_busy_timeout(soci::session& sql, std::chrono::milliseconds time) {
  const auto* backend = static_cast<soci::sqlite3_session_backend*>(sql.get_backend());
  sqlite_api::sqlite3_busy_timeout(backend->conn_, static_cast<int>(time.count()));
}

std::unexpected<Error> file_error(const std::string& path) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  return fail(full ? Code::kResourceExhausted : Code::kUnavailable,
              "cannot make the database " + path + ": " + std::strerror(code),
              full ? "free space on that disk" : "check that its folder exists and may be written to");
}

// SQLite gives its -wal and -shm files the mode of this one. The file is only opened here where it is new: closing a
// second descriptor would drop the locks SQLite holds in this process.
Status make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  if (errno != EEXIST) return file_error(path);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return file_error(path);
  if (!S_ISREG(info.st_mode))
    return fail(Code::kFailedPrecondition, "the database " + path + " is not a regular file", "name another path");
  if ((info.st_mode & 0777) != 0600 && ::chmod(path.c_str(), 0600) != 0) return file_error(path);
  return {};
}

std::unique_ptr<soci::session> connect(const std::string& path) {
  auto session = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path + "\"");
  set_busy_timeout(*session, kPatience);
  *session << "PRAGMA foreign_keys=ON";
  *session << "PRAGMA synchronous=FULL";
  return session;
}

Status enable_wal(soci::session& sql, const std::string& path) {
  std::string mode;
  sql << "PRAGMA journal_mode=WAL", soci::into(mode);
  if (mode == "wal") return {};
  return fail(Code::kFailedPrecondition, "the database " + path + " cannot use SQLite's WAL mode, but only " + mode,
              "put it on a local file system");
}

void rollback(soci::session& sql) {
  try {
    sql.rollback();
  } catch (const soci::soci_error&) {
    // Nothing to roll back: SQLite did so by itself, as it does where the disk is full.
  }
}

Status transact(SessionPool& pool, const char* begin, const std::string& path, const std::function<Status(Tx&)>& work,
                Clock::time_point deadline) {
  SessionPool::Lease lease = pool.take(deadline);
  if (!lease) return fail(Code::kUnavailable, "the database is busy", "try again in a moment");
  soci::session& sql = lease.sql();
  try {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    set_busy_timeout(sql, std::max(left, 1ms));
    sql << begin;
  } catch (const soci::soci_error& error) {
    return std::unexpected(error_of(error, path));
  }
  Status status;
  try {
    Tx tx{sql};
    status = work(tx);
    if (status) {
      sql.commit();
      return status;
    }
  } catch (const soci::soci_error& error) {
    status = std::unexpected(error_of(error, path));
  } catch (const std::exception& error) {
    status = fail(Code::kInternal, std::string("internal error in a transaction: ") + error.what());
  }
  rollback(sql);
  return status;
}

}  // namespace

struct Database::State {
  std::string path;
  SessionPool writer;
  SessionPool readers;
};

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  if (path.find('"') != std::string::npos)
    return fail(Code::kInvalidArgument, "the path of the database has a quotation mark", "name another path");
  TRY(make_file(path));
  auto state = std::make_unique<State>();
  state->path = path;
  try {
    std::unique_ptr<soci::session> writer = connect(path);
    TRY(enable_wal(*writer, path));
    TRY(migrate(*writer, known_migrations(), path));
    state->writer.add(std::move(writer));
    for (int i = 0; i < kReaders; ++i) {
      std::unique_ptr<soci::session> reader = connect(path);
      *reader << "PRAGMA query_only=ON";
      state->readers.add(std::move(reader));
    }
  } catch (const soci::soci_error& error) {
    return std::unexpected(error_of(error, path));
  }
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

Database::Deadline Database::deadline() { return Clock::now() + kPatience; }

Status Database::write(const std::function<Status(Tx&)>& work, Deadline deadline) {
  return transact(state_->writer, "BEGIN IMMEDIATE", state_->path, work, deadline);
}

Status Database::read(const std::function<Status(Tx&)>& work, Deadline deadline) {
  return transact(state_->readers, "BEGIN", state_->path, work, deadline);
}

Status Database::write(const std::function<Status(Tx&)>& work) { return write(work, deadline()); }
Status Database::read(const std::function<Status(Tx&)>& work) { return read(work, deadline()); }

}  // namespace paastech::store
