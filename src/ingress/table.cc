#include "ingress/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ingress/head_parser.h"

namespace paastech::ingress {

std::string Registry::key(const router::v1::Backend& backend) {
  return fmt::format("{} {} {}", backend.address(), backend.port(), backend.deployment());
}

std::int64_t Registry::sum_in_flight(const BackendCounters& counters) {
  std::int64_t sum = 0;
  for (const BackendSlot& slot : counters.slots) sum += slot.in_flight.load(std::memory_order_acquire);
  return sum;
}

Result<std::shared_ptr<const Table>> Registry::build(const router::v1::RouteTable& table) {
  const std::scoped_lock lock(mutex_);
  auto out = std::make_shared<Table>();
  out->version = table.version();
  std::set<std::string> hosts;
  std::map<std::string, std::shared_ptr<const BackendSpec>> backends;
  std::map<std::string, std::shared_ptr<ProjectCounters>> projects;
  for (const router::v1::Route& route : table.routes()) {
    std::array<char, kMaxHost> memory;
    TableRoute made;
    made.host = normalize_host(route.host(), memory);
    if (made.host.empty() || made.host != route.host())
      return fail(Code::kInvalidArgument,
                  fmt::format("\"{}\" is not a lower-case host name without port", route.host()));
    if (!hosts.insert(made.host).second)
      return fail(Code::kInvalidArgument, fmt::format("the host {} is in the table twice", made.host));
    for (const router::v1::Backend& backend : route.backends()) {
      std::shared_ptr<const BackendSpec>& spec = backends[key(backend)];
      const auto known = backends_.find(key(backend));
      if (!spec && known != backends_.end()) spec = known->second;
      if (!spec) {
        TRY_ASSIGN(const Address address, parse_address(backend.address(), backend.port()));
        spec = std::make_shared<BackendSpec>(BackendSpec{address, std::make_shared<BackendCounters>(loops_)});
      }
      made.backends.push_back(spec);
    }
    std::shared_ptr<ProjectCounters>& counters = projects[route.project()];
    if (!counters) {
      const auto known = projects_.find(route.project());
      counters = known != projects_.end() ? known->second : std::make_shared<ProjectCounters>(loops_);
    }
    if (counters->served.empty() && !made.backends.empty())
      counters->served = std::vector<ServedSlot>(static_cast<std::size_t>(loops_));
    made.counters = counters;
    out->routes.push_back(std::move(made));
  }
  // What a loop still holds stays known, so that Drain counts it and a return of the same Backend finds its counters.
  for (const auto& [name, spec] : backends_)
    if (spec.use_count() > 1) backends.try_emplace(name, spec);
  backends_ = std::move(backends);
  projects_ = std::move(projects);
  return std::shared_ptr<const Table>(std::move(out));
}

std::int64_t Registry::in_flight(const google::protobuf::RepeatedPtrField<router::v1::Backend>& backends) const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> keys;
  std::int64_t sum = 0;
  for (const router::v1::Backend& backend : backends) {
    const auto found = backends_.find(key(backend));
    if (found != backends_.end() && keys.insert(found->first).second) sum += sum_in_flight(*found->second->counters);
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
  for (const auto& [project, counters] : projects_) {
    const auto asked = [](const ProjectSlot& slot) { return slot.requests.load(std::memory_order_relaxed) > 0; };
    if (std::ranges::none_of(counters->slots, asked)) continue;
    router::v1::HostStatistics& host = *out.add_hosts();
    host.set_project(project);
    sum(*counters, host);
  }
}

}  // namespace paastech::ingress
