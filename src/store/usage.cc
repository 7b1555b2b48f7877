#include "store/usage.h"

#include "domain/plan.h"
#include "domain/process_json.h"
#include "store/build_usage.h"
#include "store/deployments.h"
#include "store/plans.h"
#include "store/rows.h"
#include "store/scales.h"

namespace paastech::store {
namespace {

// The condition is that of the index deployments_running.
constexpr const char* kTaken =
    "SELECT CAST(COALESCE(SUM(i), 0) AS BIGINT), CAST(COALESCE(SUM(m), 0) AS BIGINT), "
    "CAST(COALESCE(SUM(c), 0) AS BIGINT) FROM (SELECT MAX(d.instances) AS i, MAX(d.memory_bytes) AS m, "
    "MAX(d.milli_cpus) AS c FROM projects p JOIN deployments d ON d.project_id = p.id "
    "WHERE d.state IN ('queued', 'building', 'releasing', 'starting', 'live') "
    "AND (d.state <> 'live' OR p.stopped = 0) AND ";

Amounts taken(Tx& tx, const std::string& condition, const std::string& id) {
  Amounts sum;
  tx.sql << kTaken + condition + " GROUP BY p.id) s", soci::use(id), soci::into(sum.instances),
      soci::into(sum.memory_bytes), soci::into(sum.milli_cpus);
  return sum;
}
Amounts taken_by_client(Tx& tx, const std::string& client_id) { return taken(tx, "p.owner_id = :owner", client_id); }
Amounts taken_by_project(Tx& tx, const ProjectRow& project) { return taken(tx, "p.id = :id", project.id); }

constexpr const char* kProcessLists =
    "SELECT project_id, number, processes FROM deployments "
    "WHERE state IN ('queued', 'building', 'releasing', 'starting', 'live')";

struct ListRow {
  std::string project_id;
  std::int64_t number = 0;
  std::string processes;
};

// Then nobody need count, which takes the longer the more a Client has.
bool runs_without_limit(const Plan& plan) {
  return plan.limits.instances == kUnlimited && plan.limits.memory_bytes == kUnlimited &&
         plan.limits.milli_cpus == kUnlimited;
}

std::int64_t count_projects_of(Tx& tx, const std::string& client_id) {
  std::int64_t count = 0;
  tx.sql << "SELECT COUNT(*) FROM projects WHERE owner_id = :owner", soci::use(client_id), soci::into(count);
  return count;
}

}  // namespace

Result<Amounts> usage_of(Tx& tx, const std::string& client_id, const std::string& month) {
  Amounts used = taken_by_client(tx, client_id);
  used.projects = count_projects_of(tx, client_id);
  TRY_ASSIGN(const std::int64_t time, build_time(tx, client_id, month));
  used.build_minutes = begun_minutes(time);
  return used;
}

Result<InstanceSizes> instance_sizes(Tx& tx) {
  ListRow row;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(row.project_id));
  statement.exchange(soci::into(row.number));
  statement.exchange(soci::into(row.processes));
  InstanceSizes sizes;
  for (const ListRow& one : fetch_all(statement, kProcessLists, row)) {
    TRY_ASSIGN(const ProcessList list, process_list_from_json(one.processes));
    for (const auto& [name, process] : list.processes) {
      const Amounts size{.instances = 1, .memory_bytes = memory_of(process), .milli_cpus = milli_cpus_of(process)};
      sizes.emplace(SizeKey{one.project_id, group_of(one.number, name, process).deployment, name}, size);
    }
  }
  return sizes;
}

Status admit_project(Tx& tx, const std::string& client_id) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  return check_quota(plan, {.projects = count_projects_of(tx, client_id)}, {.projects = 1});
}

Status admit_transfer(Tx& tx, const ProjectRow& project, const std::string& client_id) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  Amounts used = taken_by_client(tx, client_id);
  used.projects = count_projects_of(tx, client_id);
  Amounts more = taken_by_project(tx, project);
  more.projects = 1;
  return check_quota(plan, used, more);
}

Status admit_deployment(Tx& tx, const ProjectRow& project, const ProcessList& wanted) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, project.owner_id));
  if (runs_without_limit(plan)) return {};
  const Amounts before = taken_by_project(tx, project);
  Amounts more = amounts_of(wanted);  // less of something is nothing more of it
  more.instances -= before.instances;
  more.memory_bytes -= before.memory_bytes;
  more.milli_cpus -= before.milli_cpus;
  return check_quota(plan, taken_by_client(tx, project.owner_id), more);
}

Status admit_deployment(Tx& tx, const ProjectRow& project) {
  TRY_ASSIGN(const std::optional<DeploymentRow> live, live_deployment(tx, project.id));
  ProcessList list;
  if (live) {
    TRY_ASSIGN(list, process_list_from_json(live->processes));
  }
  TRY_ASSIGN(const std::vector<Scale> scales, list_scales(tx, project.id));
  apply_scale(list, scales);
  return admit_deployment(tx, project, list);
}

Status admit_build(Tx& tx, const std::string& client_id, const std::string& month) {
  TRY_ASSIGN(const Plan plan, plan_of(tx, client_id));
  TRY_ASSIGN(const std::int64_t time, build_time(tx, client_id, month));
  return check_quota(plan, {.build_minutes = begun_minutes(time)}, {.build_minutes = 1});
}

}  // namespace paastech::store
