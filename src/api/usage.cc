#include "api/usage.h"

#include "store/plans.h"
#include "store/usage.h"

namespace paastech::api {
namespace {

Result<std::vector<std::string>> projects_of(store::Tx& tx, const std::string& client_id) {
  TRY_ASSIGN(const std::vector<store::ProjectRow> rows, store::list_projects(tx, client_id));
  std::vector<std::string> ids;
  ids.reserve(rows.size());
  for (const store::ProjectRow& row : rows) ids.push_back(row.id);
  return ids;
}

struct StoredUsage {
  ClientUsage usage;
  std::vector<std::string> projects;
};

Result<StoredUsage> load(store::Tx& tx, const std::string& client_id, std::int64_t now) {
  StoredUsage out;
  out.usage.month = month_of(now);
  TRY_ASSIGN(out.usage.plan, store::plan_of(tx, client_id));
  TRY_ASSIGN(out.usage.used, store::usage_of(tx, client_id, out.usage.month));
  TRY_ASSIGN(out.projects, projects_of(tx, client_id));
  return out;
}

using PlanAndProjects = std::pair<Plan, std::vector<std::string>>;

Result<PlanAndProjects> plan_and_projects(store::Tx& tx, const std::string& client_id) {
  PlanAndProjects out;
  TRY_ASSIGN(out.first, store::plan_of(tx, client_id));
  TRY_ASSIGN(out.second, projects_of(tx, client_id));
  return out;
}

// The plan where it limits the disk, and what is in use of it.
using Disk = std::optional<std::pair<Plan, std::int64_t>>;

net::Task<Result<Disk>> disk_of(Context& context, std::string owner_id) {
  auto read = [owner_id](store::Tx& tx) { return plan_and_projects(tx, owner_id); };
  CO_TRY_ASSIGN(PlanAndProjects found, co_await context.database.read(std::move(read)));
  if (found.first.limits.disk_bytes == kUnlimited) co_return std::nullopt;
  CO_TRY_ASSIGN(const std::int64_t used, co_await context.controller.repository_bytes(std::move(found.second)));
  co_return std::pair(std::move(found.first), used);
}

}  // namespace

net::Task<Result<ClientUsage>> client_usage(Context& context, std::string client_id) {
  auto read = [client_id, now = context.clock.now_ms()](store::Tx& tx) { return load(tx, client_id, now); };
  CO_TRY_ASSIGN(StoredUsage stored, co_await context.database.read(std::move(read)));
  const Result<std::int64_t> disk = co_await context.controller.repository_bytes(std::move(stored.projects));
  stored.usage.disk_known = disk.has_value();
  if (disk) stored.usage.used.disk_bytes = *disk;
  co_return std::move(stored.usage);
}

net::Task<Result<std::optional<PushAllowance>>> push_allowance(Context& context, std::string owner_id) {
  CO_TRY_ASSIGN(const Disk disk, co_await disk_of(context, std::move(owner_id)));
  if (!disk) co_return std::nullopt;
  const auto& [plan, used] = *disk;
  const std::int64_t most = plan.limits.disk_bytes;
  CO_TRY(check_quota(plan, {.disk_bytes = used}, {.disk_bytes = 1}));
  const Status beyond = check_quota(plan, {.disk_bytes = used}, {.disk_bytes = most - used + 1});
  PushAllowance allowance{most - used, {}};
  if (!beyond) allowance.beyond = beyond.error();
  co_return allowance;
}

net::Task<Status> check_disk(Context& context, std::string owner_id) {
  CO_TRY_ASSIGN(const Disk disk, co_await disk_of(context, std::move(owner_id)));
  if (!disk || disk->second <= disk->first.limits.disk_bytes) co_return Status{};
  co_return check_quota(disk->first, {.disk_bytes = disk->second}, {.disk_bytes = 1});
}

net::Task<Status> admit_repository(Context& context, std::string client_id, std::string project_id) {
  CO_TRY_ASSIGN(const Disk disk, co_await disk_of(context, std::move(client_id)));
  if (!disk) co_return Status{};
  std::vector<std::string> wanted{std::move(project_id)};
  CO_TRY_ASSIGN(const std::int64_t more, co_await context.controller.repository_bytes(std::move(wanted)));
  co_return check_quota(disk->first, {.disk_bytes = disk->second}, {.disk_bytes = more});
}

boost::json::object to_json(const Amounts& limits) {
  return {{"projects", limits.projects},           {"instances", limits.instances},
          {"memory_bytes", limits.memory_bytes},   {"milli_cpus", limits.milli_cpus},
          {"build_minutes", limits.build_minutes}, {"disk_bytes", limits.disk_bytes}};
}

boost::json::object to_json(const ClientUsage& usage) {
  boost::json::object used = to_json(usage.used);
  if (!usage.disk_known) used.erase("disk_bytes");
  boost::json::object out;
  out["plan"] = usage.plan.name;
  out["month"] = usage.month;
  out["limits"] = to_json(usage.plan.limits);
  out["used"] = std::move(used);
  return out;
}

}  // namespace paastech::api
