#include "ingress/loop_table.h"

#include <algorithm>

namespace paastech::ingress {

std::vector<Upstream*> LoopTable::apply(const TableChange& change) {
  std::vector<Backend*> before;
  const auto leave = [&before](Route& route) {
    for (Backend* backend : route.backends) --backend->routes;
    before.insert(before.end(), route.backends.begin(), route.backends.end());
    route.backends.clear();
  };
  for (const std::string& host : change.gone) {
    const auto found = routes_.find(host);
    if (found == routes_.end()) continue;
    leave(*found->second);
    found->second->removed = true;
    if (found->second->references > 0) leaving_.push_back(std::move(found->second));
    routes_.erase(found);
  }
  for (const TableRoute& given : change.routes) {
    std::unique_ptr<Route>& route = routes_[given.host];
    if (!route) route = std::make_unique<Route>();
    leave(*route);
    route->counters = given.counters;
    route->slot = &given.counters->slots[loop_];
    route->served = given.counters->served.empty() ? nullptr : &given.counters->served[loop_];
    for (const std::shared_ptr<const BackendSpec>& spec : given.backends) {
      std::unique_ptr<Backend>& backend = backends_[spec.get()];
      if (!backend) backend = std::make_unique<Backend>(Backend{spec, &spec->counters->slots[loop_]});
      ++backend->routes;
      route->backends.push_back(backend.get());
    }
  }
  std::vector<Upstream*> idle;
  std::ranges::sort(before);
  const auto twice = std::ranges::unique(before);
  before.erase(twice.begin(), twice.end());
  for (Backend* backend : before) {
    if (backend->routes > 0) continue;
    take_idle(*backend, idle);
    forget_if_unused(*backend);
  }
  return idle;
}

void LoopTable::take_idle(Backend& backend, std::vector<Upstream*>& out) {
  while (backend.idle != nullptr) {
    Upstream* upstream = backend.idle;
    backend.idle = upstream->next;
    upstream->previous = upstream->next = nullptr;
    upstream->backend = nullptr;
    out.push_back(upstream);
  }
  backend.idle_count = 0;
}

Route* LoopTable::find(std::string_view host) const {
  const auto found = routes_.find(host);
  return found == routes_.end() ? nullptr : found->second.get();
}

Backend* LoopTable::choose(Route& route, const Backend* avoid, std::int64_t now_ms) {
  const std::size_t n = route.backends.size();
  if (n == 1) return route.backends.front();  // as most have it: the other loops' counters are not looked at
  Backend* best = nullptr;
  std::int64_t best_cost = 0;
  ++route.turn;
  for (std::size_t i = 0; i < n; ++i) {
    Backend* backend = route.backends[(route.turn + i) % n];
    // One that has just failed costs more than any number of requests in flight.
    const std::int64_t cost = backend->spec->counters->in_flight() + (backend == avoid ? std::int64_t{1} << 40 : 0) +
                              (backend->avoid_until > now_ms ? std::int64_t{1} << 32 : 0);
    if (best == nullptr || cost < best_cost) {
      best = backend;
      best_cost = cost;
    }
  }
  return best;
}

void LoopTable::release(Route& route) {
  if (--route.references > 0 || !route.removed) return;
  std::erase_if(leaving_, [&route](const std::unique_ptr<Route>& r) { return r.get() == &route; });
}

void LoopTable::count_in(Backend& backend) {
  ++backend.in_flight;
  add(backend.slot->in_flight, 1);
}

void LoopTable::count_out(Backend& backend) {
  --backend.in_flight;
  add(backend.slot->in_flight, -1);
  forget_if_unused(backend);
}

void LoopTable::forget_if_unused(Backend& backend) {
  if (backend.routes == 0 && backend.in_flight == 0 && backend.idle_count == 0) backends_.erase(backend.spec.get());
}

void LoopTable::push_idle(Backend& backend, Upstream& upstream) {
  upstream.previous = nullptr;
  upstream.next = backend.idle;
  if (backend.idle != nullptr) backend.idle->previous = &upstream;
  backend.idle = &upstream;
  ++backend.idle_count;
}

void LoopTable::remove_idle(Upstream& upstream) {
  if (upstream.previous != nullptr)
    upstream.previous->next = upstream.next;
  else
    upstream.backend->idle = upstream.next;
  if (upstream.next != nullptr) upstream.next->previous = upstream.previous;
  upstream.previous = upstream.next = nullptr;
  --upstream.backend->idle_count;
}

}  // namespace paastech::ingress
