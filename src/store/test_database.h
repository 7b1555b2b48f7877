#pragma once
// For the tests of the store and of the rooms above it: a database in a folder of its own that goes with the object.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "store/clients.h"
#include "store/database.h"
#include "store/projects.h"

namespace paastech::store {

class TestDatabase {
 public:
  TestDatabase() {
    std::filesystem::create_directories(folder_);
    reopen();
  }
  ~TestDatabase() {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  std::string path() const { return folder_ / "paastech.db"; }
  Database& operator*() { return *database_; }
  Database* operator->() { return database_.get(); }
  void reopen() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::open(path());
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

  // A Client of that name, and a Project of it; ids are random.
  ClientRow add_client(const std::string& name) {
    const ClientRow row{new_uuid(), name + "@example.org", name, "hash", false, 1};
    EXPECT_TRUE(write([&](Tx& tx) { return insert_client(tx, row); }));
    return row;
  }
  ProjectRow add_project(const std::string& name, const std::string& owner_id) {
    const ProjectRow row{new_uuid(), name, owner_id, false, false, 1, 1};
    EXPECT_TRUE(write([&](Tx& tx) { return insert_project(tx, row); }));
    return row;
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

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("paastech store=" + new_uuid());
  std::unique_ptr<Database> database_;
};

}  // namespace paastech::store
