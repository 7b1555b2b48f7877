#include "ingress/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "ingress/head_parser.h"

namespace paastech::ingress {

std::string Registry::key(const router::v1::Backend& backend) {
  return fmt::format("{} {} {}", backend.address(), backend.port(), backend.deployment());
}

// The Projects whose routes the table replaces.
std::set<std::string> Registry::replaced(const router::v1::RouteTable& table) const {
  if (table.based_on() != 0) return {table.projects().begin(), table.projects().end()};
  std::set<std::string> all;
  for (const auto& [id, project] : projects_) all.insert(id);
  return all;
}

Result<TableRoute> Registry::prepare_route(const router::v1::Route& route, Backends& added) {
  std::array<char, kMaxHost> memory;
  TableRoute made;
  made.host = normalize_host(route.host(), memory);
  if (made.host.empty() || made.host != route.host())
    return fail(Code::kInvalidArgument, fmt::format("\"{}\" is not a lower-case host name without port", route.host()));
  for (const router::v1::Backend& backend : route.backends()) {
    std::shared_ptr<const BackendSpec>& spec = added[key(backend)];
    const auto known = backends_.find(key(backend));
    if (!spec && known != backends_.end()) spec = known->second;
    if (!spec) {
      TRY_ASSIGN(const Address address, parse_address(backend.address(), backend.port()));
      spec = std::make_shared<BackendSpec>(BackendSpec{address, std::make_shared<BackendCounters>(loops_)});
    }
    made.backends.push_back(spec);
  }
  return made;
}

Result<std::shared_ptr<const TableChange>> Registry::prepare(const router::v1::RouteTable& table) {
  const std::scoped_lock lock(mutex_);
  auto out = std::make_shared<TableChange>();
  const std::set<std::string> leaving = replaced(table);
  std::set<std::string> hosts;
  Backends added;
  std::map<std::string, std::shared_ptr<ProjectCounters>> counters;
  for (const router::v1::Route& route : table.routes()) {
    TRY_ASSIGN(TableRoute made, prepare_route(route, added));
    const auto owner = hosts_.find(made.host);
    if (!hosts.insert(made.host).second || (owner != hosts_.end() && !leaving.contains(owner->second)))
      return fail(Code::kInvalidArgument, fmt::format("the host {} is in the table twice", made.host));
    made.counters = counters[route.project()];
    if (!made.counters) {
      const auto known = projects_.find(route.project());
      made.counters = known != projects_.end() ? known->second.counters : std::make_shared<ProjectCounters>(loops_);
      counters[route.project()] = made.counters;
    }
    if (made.counters->served.empty() && !made.backends.empty())
      made.counters->served = std::vector<ServedSlot>(static_cast<std::size_t>(loops_));
    out->routes.push_back(std::move(made));
  }
  for (const std::string& project : leaving) {
    const auto known = projects_.find(project);
    if (known == projects_.end()) continue;
    for (const std::string& host : known->second.hosts)
      if (!hosts.contains(host)) out->gone.push_back(host);
  }
  return std::shared_ptr<const TableChange>(std::move(out));
}

void Registry::commit(const router::v1::RouteTable& table, const TableChange& change) {
  const std::scoped_lock lock(mutex_);
  for (const std::string& project : replaced(table)) {
    const auto known = projects_.find(project);
    if (known == projects_.end()) continue;
    for (const std::string& host : known->second.hosts) hosts_.erase(host);
    projects_.erase(known);
  }
  for (std::size_t i = 0; i < change.routes.size(); ++i) {
    const router::v1::Route& given = table.routes(static_cast<int>(i));
    const TableRoute& route = change.routes[i];
    Project& project = projects_[given.project()];
    project.counters = route.counters;
    project.hosts.push_back(route.host);
    hosts_[route.host] = given.project();
    for (std::size_t j = 0; j < route.backends.size(); ++j)
      backends_[key(given.backends(static_cast<int>(j)))] = route.backends[j];
  }
  // What a loop still holds stays known, so that Drain counts it and a return of the same Backend finds its counters.
  std::erase_if(backends_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

std::int64_t Registry::in_flight(const google::protobuf::RepeatedPtrField<router::v1::Backend>& backends) const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> keys;
  std::int64_t sum = 0;
  for (const router::v1::Backend& backend : backends) {
    const auto found = backends_.find(key(backend));
    if (found != backends_.end() && keys.insert(found->first).second) sum += found->second->counters->in_flight();
  }
  return sum;
}

void Registry::sum(const ProjectCounters& counters, router::v1::HostStatistics& out) {
  const auto read = [](const Figure& figure) { return figure.load(std::memory_order_relaxed); };
  std::array<std::int64_t, 5> by_class{};
  for (const ProjectSlot& slot : counters.slots) {
    out.set_requests(out.requests() + read(slot.requests));
    out.set_failed(out.failed() + read(slot.failed));
    out.set_sent_bytes(out.sent_bytes() + read(slot.sent_bytes));
    for (std::size_t i = 0; i < by_class.size(); ++i) by_class[i] += read(slot.by_class[i]);
  }
  out.mutable_by_class()->Add(by_class.begin(), by_class.end());
  std::array<std::int64_t, kLatencyBuckets> by_latency{};
  for (const ServedSlot& slot : counters.served) {
    out.set_received_bytes(out.received_bytes() + read(slot.received_bytes));
    out.set_latency_us(out.latency_us() + read(slot.latency_us));
    for (std::size_t i = 0; i < by_latency.size(); ++i) by_latency[i] += read(slot.by_latency[i]);
  }
  out.mutable_by_latency()->Add(by_latency.begin(), by_latency.end());
}

void Registry::statistics(router::v1::StatisticsReply& out) const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, project] : projects_) {
    const auto asked = [](const ProjectSlot& slot) { return slot.requests.load(std::memory_order_relaxed) > 0; };
    if (std::ranges::none_of(project.counters->slots, asked)) continue;
    router::v1::HostStatistics& host = *out.add_hosts();
    host.set_project(id);
    sum(*project.counters, host);
  }
}

}  // namespace paastech::ingress
