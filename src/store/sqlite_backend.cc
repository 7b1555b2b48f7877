#include <fcntl.h>
#include <soci/soci.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "store/backend.h"
#include "store/dialect.h"
#include "store/migrate.h"
#include "store/session_pool.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReaders = 2;

std::unexpected<Error> file_error(const std::string& path) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  return fail(full ? Code::kResourceExhausted : Code::kUnavailable,
              "cannot make the database " + path + ": " + std::generic_category().message(code),
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

Status enable_wal(soci::session& sql, const std::string& path) {
  std::string mode;
  const Database::Deadline deadline = Database::deadline();
  while (mode.empty()) {
    try {
      sql << "PRAGMA journal_mode=WAL", soci::into(mode);
    } catch (const soci::soci_error& error) {
      // Where another program that starts does the same, SQLite says at once that it is busy: each waits for the other.
      if (error_of(error, path).code != Code::kUnavailable || Clock::now() > deadline) throw;
      std::this_thread::sleep_for(20ms);
    }
  }
  if (mode == "wal") return {};
  return fail(Code::kFailedPrecondition, "the database " + path + " cannot use SQLite's WAL mode, but only " + mode,
              "put it on a local file system");
}

class SqliteBackend : public Backend {
 public:
  explicit SqliteBackend(std::string path) : path_(std::move(path)) {}

  Status open(const DatabaseUrl& url) {
    TRY_ASSIGN(std::unique_ptr<soci::session> writer, connect(url));
    TRY(enable_wal(*writer, path_));
    TRY(migrate(*writer, known_migrations(), path_));
    writer_.add(std::move(writer));
    for (std::size_t i = 0; i < kReaders; ++i) {
      TRY_ASSIGN(std::unique_ptr<soci::session> reader, connect(url));
      *reader << "PRAGMA query_only=ON";
      readers_.add(std::move(reader));
    }
    return {};
  }
  Status write(const std::function<Status(Tx&)>& work, Database::Deadline deadline) override {
    return transact(writer_, &begin_write, work, deadline);
  }
  Status read(const std::function<Status(Tx&)>& work, Database::Deadline deadline) override {
    return transact(readers_, &begin_read, work, deadline);
  }
  std::size_t readers() const override { return kReaders; }

 private:
  Status transact(SessionPool& pool, void (*begin)(soci::session&, std::chrono::milliseconds),
                  const std::function<Status(Tx&)>& work, Database::Deadline deadline) {
    SessionPool::Lease lease = pool.take(deadline);
    if (!lease) return fail(Code::kUnavailable, "the database is busy", "try again in a moment");
    try {
      begin(lease.sql(), std::max(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()), 1ms));
    } catch (const soci::soci_error& error) {
      return std::unexpected(error_of(error, path_));
    }
    return finish_transaction(lease.sql(), work, path_);
  }

  const std::string path_;
  SessionPool writer_;
  SessionPool readers_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_sqlite(const DatabaseUrl& url) {
  TRY(make_file(url.path));
  auto backend = std::make_unique<SqliteBackend>(url.path);
  try {
    TRY(backend->open(url));
  } catch (const soci::soci_error& error) {
    return std::unexpected(error_of(error, url.path));
  }
  return backend;
}

}  // namespace paastech::store
