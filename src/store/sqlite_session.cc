#include "store/sqlite_session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace paastech::store {
namespace {

namespace details = soci::details;

// Others, such as PRAGMA, may do their work while they are prepared.
bool may_be_kept(std::string_view query) {
  constexpr std::array<std::string_view, 5> kBegins{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "BEGIN"};
  return std::ranges::any_of(kBegins, [query](std::string_view one) { return query.starts_with(one); });
}

// Those that nobody is using, by their text. Where there are too many all go: what is run often is soon back.
class Statements {
 public:
  Statements() = default;
  ~Statements() { clear(); }
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  sqlite_api::sqlite3_stmt* take(const std::string& query) {
    const auto node = free_.extract(query);
    return node ? node.mapped() : nullptr;
  }
  // No value stays bound: the memory of it goes, and it may be a secret.
  void give_back(std::string query, sqlite_api::sqlite3_stmt* statement) {
    sqlite_api::sqlite3_reset(statement);
    sqlite_api::sqlite3_clear_bindings(statement);
    if (free_.size() >= kMostStatements) clear();
    if (!free_.emplace(std::move(query), statement).second) sqlite_api::sqlite3_finalize(statement);
  }

 private:
  void clear() {
    for (const auto& [query, statement] : free_) sqlite_api::sqlite3_finalize(statement);
    free_.clear();
  }
  std::unordered_map<std::string, sqlite_api::sqlite3_stmt*> free_;
};

// SOCI's, lent a statement of SQLite. SOCI exports no classes to derive from, so that its objects are wrapped.
class Statement : public details::statement_backend {
 public:
  Statement(soci::sqlite3_statement_backend* soci, Statements& kept) : soci_(soci), kept_(kept) {}
  ~Statement() override { Statement::clean_up(); }

  void alloc() override { soci()->alloc(); }
  void clean_up() override {
    soci_->rowsAffectedBulk_ = -1;
    sqlite_api::sqlite3_stmt* statement = std::exchange(soci_->stmt_, nullptr);
    if (statement && may_be_kept(query_))
      kept_.give_back(std::move(query_), statement);
    else
      sqlite_api::sqlite3_finalize(statement);
  }
  void prepare(const std::string& query, details::statement_type type) override {
    clean_up();
    query_ = query;
    soci_->stmt_ = kept_.take(query);
    if (soci_->stmt_)
      soci_->databaseReady_ = true;
    else
      soci()->prepare(query, type);
  }
  exec_fetch_result execute(int number) override { return soci()->execute(number); }
  exec_fetch_result fetch(int number) override { return soci()->fetch(number); }
  long long get_affected_rows() override { return soci()->get_affected_rows(); }
  int get_number_of_rows() override { return soci()->get_number_of_rows(); }
  std::string get_parameter_name(int index) const override { return soci()->get_parameter_name(index); }
  std::string rewrite_for_procedure_call(const std::string& query) override {
    return soci()->rewrite_for_procedure_call(query);
  }
  int prepare_for_describe() override { return soci()->prepare_for_describe(); }
  void describe_column(int column, soci::data_type& type, std::string& name) override {
    soci()->describe_column(column, type, name);
  }
  details::standard_into_type_backend* make_into_type_backend() override { return soci()->make_into_type_backend(); }
  details::standard_use_type_backend* make_use_type_backend() override { return soci()->make_use_type_backend(); }
  details::vector_into_type_backend* make_vector_into_type_backend() override {
    return soci()->make_vector_into_type_backend();
  }
  details::vector_use_type_backend* make_vector_use_type_backend() override {
    return soci()->make_vector_use_type_backend();
  }

 private:
  // Through the interface, whose calls need no symbol of the library.
  details::statement_backend* soci() const { return soci_.get(); }
  const std::unique_ptr<soci::sqlite3_statement_backend> soci_;
  Statements& kept_;
  std::string query_;
};

class Session : public details::session_backend {
 public:
  explicit Session(soci::sqlite3_session_backend* soci) : connection_(soci->conn_), soci_(soci) {}

  sqlite_api::sqlite3* connection() const { return connection_; }
  bool is_connected() override { return soci_->is_connected(); }
  void begin() override { soci_->begin(); }
  void commit() override { soci_->commit(); }
  void rollback() override { soci_->rollback(); }
  std::string get_dummy_from_table() const override { return soci_->get_dummy_from_table(); }
  std::string get_backend_name() const override { return soci_->get_backend_name(); }
  details::statement_backend* make_statement_backend() override {
    return new Statement(static_cast<soci::sqlite3_statement_backend*>(soci_->make_statement_backend()), kept_);
  }
  details::rowid_backend* make_rowid_backend() override { return soci_->make_rowid_backend(); }
  details::blob_backend* make_blob_backend() override { return soci_->make_blob_backend(); }

 private:
  sqlite_api::sqlite3* const connection_;
  const std::unique_ptr<details::session_backend> soci_;
  Statements kept_;  // goes before the connection, which would stay open otherwise
};

struct Factory : soci::backend_factory {
  Session* make_session(const soci::connection_parameters& parameters) const override {
    // By its interface: SOCI exports this function, but not the class's own, which a compiler that sees the object
    // calls.
    const soci::backend_factory* factory = soci::factory_sqlite3();
    return new Session(static_cast<soci::sqlite3_session_backend*>(factory->make_session(parameters)));
  }
};

// Before the first connection is made. A session is lent to one thread at a time, so that SQLite need not lock its
// connection in every call, and nobody asks it how much memory it has, which it counts under a lock of the whole
// process (sqlite.org/c3ref/c_config_covering_index_scan.html).
bool configure() {
  const bool done = sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
                    sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
  if (!done) spdlog::warn("SQLite is in use already, so that it keeps its own settings for threads");
  return done;
}

}  // namespace

std::unique_ptr<soci::session> open_sqlite_session(const std::string& path) {
  [[maybe_unused]] static const bool configured = configure();
  static const Factory factory;
  return std::make_unique<soci::session>(factory, "dbname=\"" + path + "\"");
}

sqlite_api::sqlite3* sqlite_connection(soci::session& sql) {
  return static_cast<Session*>(sql.get_backend())->connection();
}

}  // namespace paastech::store
