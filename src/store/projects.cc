#include "store/projects.h"

#include <soci/soci.h>

#include "base/ids.h"
#include "store/rows.h"
#include "store/sql_error.h"

namespace paastech::store {
namespace {

// value: what the tail's one placeholder stands for, or null where it has none.
std::vector<ProjectRow> select(Tx& tx, const std::string& tail, const std::string* value) {
  ProjectRow row;
  int stopped = 0;
  int deleting = 0;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.id));
  statement.exchange(soci::into(row.name));
  statement.exchange(soci::into(row.owner_id));
  statement.exchange(soci::into(stopped));
  statement.exchange(soci::into(deleting));
  statement.exchange(soci::into(row.next_number));
  statement.exchange(soci::into(row.created_at));
  if (value) statement.exchange(soci::use(*value));
  return fetch_all(statement,
                   "SELECT id, name, owner_id, stopped, deleting, next_number, created_at FROM projects " + tail, row,
                   [&stopped, &deleting](ProjectRow& one) {
                     one.stopped = stopped != 0;
                     one.deleting = deleting != 0;
                   });
}

std::unexpected<Error> no_project() {
  return fail(Code::kNotFound, "there is no such project", "see yours with: paastech projects list");
}

}  // namespace

Status insert_project(Tx& tx, const ProjectRow& row) {
  const int stopped = row.stopped ? 1 : 0;
  const int deleting = row.deleting ? 1 : 0;
  try {
    tx.sql << "INSERT INTO projects (id, name, owner_id, stopped, deleting, next_number, created_at, owner_since) "
              "VALUES (:id, :name, :owner, :stopped, :deleting, :next, :at, :since)",
        soci::use(row.id), soci::use(row.name), soci::use(row.owner_id), soci::use(stopped), soci::use(deleting),
        soci::use(row.next_number), soci::use(row.created_at), soci::use(row.created_at);
    return {};
  } catch (const soci::soci_error& error) {
    const Constraint broken = broken_constraint(error);
    if (broken.kind == Broken::kForeignKey) return fail(Code::kNotFound, "there is no such client");
    if (broken.column == "projects.name")
      return fail(Code::kAlreadyExists, "name: the project name " + row.name + " is taken", "choose another name");
    throw;
  }
}

// A name has at most 30 characters and a UUID 36, so the one is never taken for the other.
Result<ProjectRow> find_project(Tx& tx, const std::string& name_or_id) {
  std::vector<ProjectRow> rows = select(tx, is_uuid(name_or_id) ? "WHERE id = :id" : "WHERE name = :name", &name_or_id);
  if (rows.empty()) return no_project();
  return std::move(rows.front());
}

Result<std::vector<ProjectRow>> list_projects(Tx& tx, const std::string& owner_id) {
  if (owner_id.empty()) return select(tx, "ORDER BY name", nullptr);
  return select(tx, "WHERE owner_id = :owner ORDER BY name", &owner_id);
}

Status set_stopped(Tx& tx, const std::string& id, bool stopped) {
  const int value = stopped ? 1 : 0;
  if (change(tx, "UPDATE projects SET stopped = :stopped WHERE id = :id", soci::use(value), soci::use(id)) == 0)
    return no_project();
  return {};
}

Status set_deleting(Tx& tx, const std::string& id) {
  if (change(tx, "UPDATE projects SET deleting = 1 WHERE id = :id", soci::use(id)) == 0) return no_project();
  return {};
}

Status delete_project(Tx& tx, const std::string& id) {
  tx.sql << "DELETE FROM projects WHERE id = :id", soci::use(id);
  return {};
}

}  // namespace paastech::store
