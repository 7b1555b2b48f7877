#include "store/usage.h"

#include "store/build_usage.h"
#include "store/plans.h"
#include "store/rows.h"

namespace paastech::store {
namespace {

// A Project p that has an Instance, or is about to get one.
constexpr const char* kRuns =
    "((p.stopped = 0 AND EXISTS (SELECT 1 FROM deployments d WHERE d.project_id = p.id AND d.state = 'live')) OR "
    "EXISTS (SELECT 1 FROM deployments d WHERE d.project_id = p.id AND d.state IN "
    "('queued', 'building', 'releasing', 'starting')))";

std::int64_t count_of(Tx& tx, const std::string& query, const std::string& id) {
  std::int64_t count = 0;
  tx.sql << query, soci::use(id), soci::into(count);
  return count;
}

std::int64_t running_of(Tx& tx, const std::string& client_id) {
  return count_of(tx, std::string("SELECT COUNT(*) FROM projects p WHERE p.owner_id = :owner AND ") + kRuns, client_id);
}

bool runs(Tx& tx, const ProjectRow& project) {
  return count_of(tx, std::string("SELECT COUNT(*) FROM projects p WHERE p.id = :id AND ") + kRuns, project.id) > 0;
}

std::int64_t projects_of(Tx& tx, const std::string& client_id) {
  return count_of(tx, "SELECT COUNT(*) FROM projects WHERE owner_id = :owner", client_id);
}

}  // namespace

Result<Amounts> usage_of(Tx& tx, const std::string& client_id, const std::string& month) {
  Amounts used = instances_of(running_of(tx, client_id));
  used.projects = projects_of(tx, client_id);
  TRY_ASSIGN(const std::int64_t time, build_time(tx, client_id, month));
  used.build_minutes = begun_minutes(time);
  return used;
}

Status admit_project(Tx& tx, const std::string& client_id) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  return check_quota(plan, {.projects = projects_of(tx, client_id)}, {.projects = 1});
}

Status admit_transfer(Tx& tx, const ProjectRow& project, const std::string& client_id) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  Amounts used = instances_of(running_of(tx, client_id));
  used.projects = projects_of(tx, client_id);
  Amounts more = instances_of(runs(tx, project) ? 1 : 0);
  more.projects = 1;
  return check_quota(plan, used, more);
}

Status admit_deployment(Tx& tx, const ProjectRow& project) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, project.owner_id));
  return check_quota(plan, instances_of(running_of(tx, project.owner_id)), instances_of(runs(tx, project) ? 0 : 1));
}

Status admit_build(Tx& tx, const std::string& client_id, const std::string& month) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  TRY_ASSIGN(const std::int64_t time, build_time(tx, client_id, month));
  return check_quota(plan, {.build_minutes = begun_minutes(time)}, {.build_minutes = 1});
}

}  // namespace paastech::store
