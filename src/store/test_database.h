#pragma once
// For the tests of the store and of the rooms above it: a database of a test's own that goes with the object. A file of
// SQLite, or a schema on the PostgreSQL server that PAASTECH_TEST_DATABASE_URL names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "store/clients.h"
#include "store/database.h"
#include "store/deployments.h"
#include "store/dialect.h"
#include "store/projects.h"

namespace paastech::store {

// A place for a database that does not exist yet, and a folder.
class FreshPlace {
 public:
  FreshPlace() {
    std::filesystem::create_directories(folder_);
    if (!postgresql()) return;
    const auto session = connect_to(server());
    *session << "CREATE SCHEMA " << schema_;
  }
  ~FreshPlace() {
    std::filesystem::remove_all(folder_);
    if (!postgresql()) return;
    const auto session = connect_to(server());
    *session << "DROP SCHEMA " << schema_ << " CASCADE";
  }
  FreshPlace(const FreshPlace&) = delete;
  FreshPlace& operator=(const FreshPlace&) = delete;

  static std::string server() {
    const char* url = std::getenv("PAASTECH_TEST_DATABASE_URL");
    return url ? url : "";
  }
  static bool postgresql() { return !server().empty(); }
  const std::filesystem::path& folder() const { return folder_; }
  std::string path() const { return folder_ / "paastech.db"; }  // SQLite's
  std::string url() const {
    if (!postgresql()) return "sqlite:" + path();
    return server() + (server().find('?') == std::string::npos ? '?' : '&') + "options=-csearch_path%3D" + schema_;
  }
  std::unique_ptr<soci::session> connect() const { return connect_to(url()); }

 private:
  static std::unique_ptr<soci::session> connect_to(const std::string& url) {
    const Result<DatabaseUrl> parsed = parse_database_url(url);
    if (!parsed) throw std::runtime_error(parsed.error().message);
    Result<std::unique_ptr<soci::session>> session = store::connect(*parsed);
    if (!session) throw std::runtime_error(session.error().message);
    return std::move(*session);
  }
  static std::string new_schema() {
    std::string name = "test_" + new_uuid();
    std::erase(name, '-');
    return name;
  }
  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("paastech store=" + new_uuid());
  const std::string schema_ = new_schema();
};

class TestDatabase {
 public:
  TestDatabase() { reopen(); }

  const std::filesystem::path& folder() const { return place_.folder(); }
  std::string path() const { return place_.path(); }
  std::string url() const { return place_.url(); }
  Database& operator*() { return *database_; }
  Database* operator->() { return database_.get(); }
  void reopen() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::open(url());
    if (!opened) throw std::runtime_error(opened.error().message);
    database_ = std::move(*opened);
  }
  void close() { database_.reset(); }

  // Runs f(tx) in a transaction and gives its result.
  template <class F>
  auto write(F f) {
    return run(&Database::write, f);
  }
  template <class F>
  auto read(F f) {
    return run(&Database::read, f);
  }

  // Locks it against writing, as another program would, until the session goes.
  std::unique_ptr<soci::session> lock() const {
    std::unique_ptr<soci::session> other = place_.connect();
    begin_write(*other, std::chrono::seconds(1));
    return other;
  }

  // A Client of that name, and a Project of it; ids are random.
  ClientRow add_client(const std::string& name) {
    const ClientRow row{new_uuid(), name + "@example.org", name, "hash", false, 1, 1};
    EXPECT_TRUE(write([&](Tx& tx) { return insert_client(tx, row); }));
    return row;
  }
  ProjectRow add_project(const std::string& name, const std::string& owner_id) {
    const ProjectRow row{new_uuid(), name, owner_id, false, false, 1, 1};
    EXPECT_TRUE(write([&](Tx& tx) { return insert_project(tx, row); }));
    return row;
  }
  // Takes it as far as `state`.
  void add_deployment(DeploymentRow row, DeploymentState state) {
    EXPECT_TRUE(write([&](Tx& tx) -> Status {
      TRY(insert_deployment(tx, row));
      if (state == DeploymentState::kLive) {
        row.state = DeploymentState::kStarting;
        TRY(update_deployment(tx, row));
      }
      row.state = state;
      return update_deployment(tx, row);
    }));
  }

 private:
  template <class F>
  std::invoke_result_t<F&, Tx&> run(Status (Database::*how)(const std::function<Status(Tx&)>&), F& f) {
    std::optional<std::invoke_result_t<F&, Tx&>> out;
    const Status status = (database_.get()->*how)([&](Tx& tx) -> Status {
      out.emplace(f(tx));
      if (!*out) return std::unexpected(out->error());
      return {};
    });
    if (!status) return std::unexpected(status.error());
    return std::move(*out);
  }

  FreshPlace place_;
  std::unique_ptr<Database> database_;
};

// add(tx, 0), … add(tx, count - 1), in transactions that a slow machine too ends before their deadline.
inline Status write_rows(Database& database, int count, const std::function<Status(Tx&, int)>& add) {
  constexpr int kTogether = 200;
  for (int first = 0; first < count; first += kTogether) {
    const auto work = [&](Tx& tx) -> Status {
      for (int i = first; i < std::min(count, first + kTogether); ++i) TRY(add(tx, i));
      return {};
    };
    TRY(database.write(work));
  }
  return {};
}

}  // namespace paastech::store
