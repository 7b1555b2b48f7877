#include "store/database.h"

#include "store/backend.h"
#include "store/dialect.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

// Waiting for a session and for a lock together, so that an answer comes within 2 s while the database is locked or
// away.
constexpr auto kAnswerWithin = std::chrono::milliseconds(1500);

}  // namespace

Database::Database(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& url, const Options& options) {
  TRY_ASSIGN(const DatabaseUrl where, parse_database_url(url, options.password));
  TRY_ASSIGN(std::unique_ptr<Backend> backend, open_backend(where, options.patience));
  return std::unique_ptr<Database>(new Database(std::move(backend)));
}

Database::Deadline Database::deadline() { return std::chrono::steady_clock::now() + kAnswerWithin; }

std::size_t Database::readers() const { return backend_->readers(); }

Status Database::write(const std::function<Status(Tx&)>& work, Deadline deadline) {
  Status done = backend_->write(work, deadline);
  ++writes_;  // also where it failed: it may have been made all the same
  return done;
}

Status Database::read(const std::function<Status(Tx&)>& work, Deadline deadline) {
  return backend_->read(work, deadline);
}

Status Database::write(const std::function<Status(Tx&)>& work) { return write(work, deadline()); }
Status Database::read(const std::function<Status(Tx&)>& work) { return read(work, deadline()); }

Result<std::unique_ptr<Backend>> open_backend(const DatabaseUrl& url, std::chrono::milliseconds patience) {
  return url.postgresql ? open_postgresql(url, patience) : open_sqlite(url);
}

Status finish_transaction(soci::session& sql, const std::function<Status(Tx&)>& work, const std::string& where) {
  Status status;
  bool committing = false;
  try {
    Tx tx{sql};
    status = work(tx);
    if (status && has_failed(sql)) status = fail(Code::kInternal, "a statement failed, so nothing was changed");
    if (status) {
      committing = true;
      sql.commit();
      return status;
    }
  } catch (const soci::soci_error& error) {
    Error found = error_of(error, where);
    if (committing && is_postgresql(sql) && found.code == Code::kUnavailable)
      found = {Code::kUnavailable, "the database went away at the end of a change, which may have been made or not",
               "look before you try again"};
    status = std::unexpected(std::move(found));
  } catch (const std::exception& error) {
    status = fail(Code::kInternal, std::string("internal error in a transaction: ") + error.what());
  }
  roll_back(sql);
  return status;
}

}  // namespace paastech::store
