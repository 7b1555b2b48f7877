#include "store/plans.h"

#include <functional>

#include "store/rows.h"

namespace paastech::store {
namespace {

std::vector<Plan> select(Tx& tx, const std::string& tail, const std::function<void(soci::statement&)>& bind) {
  Plan plan;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(plan.name));
  statement.exchange(soci::into(plan.limits.projects));
  statement.exchange(soci::into(plan.limits.instances));
  statement.exchange(soci::into(plan.limits.memory_bytes));
  statement.exchange(soci::into(plan.limits.milli_cpus));
  statement.exchange(soci::into(plan.limits.build_minutes));
  statement.exchange(soci::into(plan.limits.disk_bytes));
  bind(statement);
  return fetch_all(statement,
                   "SELECT p.name, p.projects, p.instances, p.memory_bytes, p.milli_cpus, p.build_minutes, "
                   "p.disk_bytes FROM plans p " +
                       tail,
                   plan);
}

Result<Plan> one(std::vector<Plan> plans) {
  if (plans.empty()) return fail(Code::kNotFound, "there is no such plan", "see them: paastech admin quota");
  return std::move(plans.front());
}

}  // namespace

Result<Plan> find_plan(Tx& tx, const std::string& name) {
  return one(
      select(tx, "WHERE p.name = :name", [&name](soci::statement& statement) { statement.exchange(soci::use(name)); }));
}

Result<Plan> plan_of(Tx& tx, const std::string& client_id) {
  return one(select(tx, "JOIN clients c ON c.plan = p.name WHERE c.id = :client",
                    [&client_id](soci::statement& statement) { statement.exchange(soci::use(client_id)); }));
}

Result<std::vector<Plan>> list_plans(Tx& tx, const std::string& after, int limit) {
  return select(tx, "WHERE p.name > :after ORDER BY p.name LIMIT :most", [&](soci::statement& statement) {
    statement.exchange(soci::use(after));
    statement.exchange(soci::use(limit));
  });
}

Status set_plan(Tx& tx, const Plan& plan) {
  const Amounts& limits = plan.limits;
  tx.sql << "INSERT INTO plans (name, projects, instances, memory_bytes, milli_cpus, build_minutes, disk_bytes) "
            "VALUES (:name, :projects, :instances, :memory, :cpus, :minutes, :disk) ON CONFLICT (name) DO UPDATE SET "
            "projects = excluded.projects, instances = excluded.instances, memory_bytes = excluded.memory_bytes, "
            "milli_cpus = excluded.milli_cpus, build_minutes = excluded.build_minutes, "
            "disk_bytes = excluded.disk_bytes",
      soci::use(plan.name), soci::use(limits.projects), soci::use(limits.instances), soci::use(limits.memory_bytes),
      soci::use(limits.milli_cpus), soci::use(limits.build_minutes), soci::use(limits.disk_bytes);
  return {};
}

Status delete_plan(Tx& tx, const std::string& name) {
  TRY(find_plan(tx, name));
  if (name == kDefaultPlan || name == kUnlimitedPlan)
    return fail(Code::kFailedPrecondition, "the plan `" + name + "` is given by the Service itself",
                "change its limits instead");
  std::int64_t clients = 0;
  tx.sql << "SELECT COUNT(*) FROM clients WHERE plan = :name", soci::use(name), soci::into(clients);
  if (clients > 0)
    return fail(Code::kFailedPrecondition, std::to_string(clients) + " clients have the plan `" + name + "`",
                "give them another one first");
  tx.sql << "DELETE FROM plans WHERE name = :name", soci::use(name);
  return {};
}

}  // namespace paastech::store
