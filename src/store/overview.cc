#include "store/overview.h"

#include "store/mails.h"
#include "store/rows.h"

namespace paastech::store {
namespace {

constexpr const char* kClients =
    "SELECT state, COUNT(*) FROM (SELECT CASE WHEN deleting = 1 THEN 'deleting' WHEN suspended_at <> 0 THEN "
    "'suspended' WHEN confirmed_at = 0 THEN 'unconfirmed' ELSE 'active' END AS state FROM clients) s GROUP BY state";
constexpr const char* kProjects =
    "SELECT state, COUNT(*) FROM (SELECT CASE "
    "WHEN n.state IN ('queued', 'building', 'releasing', 'starting') THEN 'deploying' "
    "WHEN l.number IS NOT NULL AND o.suspended_at <> 0 THEN 'suspended' "
    "WHEN l.number IS NOT NULL AND p.stopped = 1 THEN 'stopped' "
    "WHEN l.number IS NOT NULL THEN 'live' WHEN n.number IS NOT NULL THEN 'failed' ELSE 'empty' END AS state "
    "FROM projects p JOIN clients o ON o.id = p.owner_id "
    "LEFT JOIN deployments n ON n.project_id = p.id AND n.number = p.next_number - 1 "
    "LEFT JOIN deployments l ON l.project_id = p.id AND l.state = 'live') s GROUP BY state";
constexpr const char* kBuilds =
    "SELECT state, COUNT(*) FROM deployments WHERE state IN ('queued', 'building') GROUP BY state";

constexpr const char* kDeployments =
    "SELECT state, COUNT(*) FROM deployments WHERE state IN ('queued', 'building', 'releasing', 'starting', 'live') "
    "GROUP BY state";

void count(Tx& tx, const std::string& query, std::map<std::string, std::int64_t>& out) {
  std::pair<std::string, std::int64_t> one;
  soci::statement statement(tx.sql);
  statement.exchange(soci::into(one.first));
  statement.exchange(soci::into(one.second));
  for (const auto& [state, number] : fetch_all(statement, query, one)) out[state] = number;
}

}  // namespace

Result<Overview> read_overview(Tx& tx) {
  Overview overview;
  overview.clients = {{"unconfirmed", 0}, {"active", 0}, {"suspended", 0}, {"deleting", 0}};
  overview.projects = {{"empty", 0}, {"live", 0}, {"stopped", 0}, {"suspended", 0}, {"deploying", 0}, {"failed", 0}};
  std::map<std::string, std::int64_t> builds;
  count(tx, kClients, overview.clients);
  count(tx, kProjects, overview.projects);
  count(tx, kBuilds, builds);
  overview.builds_running = builds["building"];
  overview.builds_queued = builds["queued"];
  TRY_ASSIGN(overview.mails_waiting, count_mails(tx));
  return overview;
}

Result<std::int64_t> count_projects(Tx& tx) {
  std::int64_t number = 0;
  tx.sql << "SELECT COUNT(*) FROM projects", soci::into(number);
  return number;
}

Result<std::map<std::string, std::int64_t>> count_deployments(Tx& tx) {
  std::map<std::string, std::int64_t> numbers{
      {"queued", 0}, {"building", 0}, {"releasing", 0}, {"starting", 0}, {"live", 0}};
  count(tx, kDeployments, numbers);
  return numbers;
}

Status check_answers(Tx& tx) {
  int one = 0;
  tx.sql << "SELECT 1", soci::into(one);
  return {};
}

}  // namespace paastech::store
