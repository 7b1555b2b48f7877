#include "ingress/loop_table.h"

#include <algorithm>

namespace paastech::ingress {

std::vector<Upstream*> LoopTable::apply(const Table& table) {
  for (auto& [spec, backend] : backends_) backend->removed = true;
  for (auto& [host, route] : routes_) route->removed = true;
  for (const TableRoute& given : table.routes) {
    std::unique_ptr<Route>& route = routes_[given.host];
    if (!route) route = std::make_unique<Route>();
    route->removed = false;
    route->counters = given.counters;
    route->slot = &given.counters->slots[loop_];
    route->served = given.counters->served.empty() ? nullptr : &given.counters->served[loop_];
    route->backends.clear();
    for (const std::shared_ptr<const BackendSpec>& spec : given.backends) {
      std::unique_ptr<Backend>& backend = backends_[spec.get()];
      if (!backend) {
        backend = std::make_unique<Backend>();
        backend->spec = spec;
        backend->slot = &spec->counters->slots[loop_];
      }
      backend->removed = false;
      route->backends.push_back(backend.get());
    }
  }
  for (auto it = routes_.begin(); it != routes_.end();) {
    if (!it->second->removed) {
      ++it;
      continue;
    }
    it->second->backends.clear();
    if (it->second->references > 0) leaving_.push_back(std::move(it->second));
    it = routes_.erase(it);
  }
  std::vector<Upstream*> idle;
  for (auto it = backends_.begin(); it != backends_.end();) {
    Backend& backend = *it->second;
    if (!backend.removed) {
      ++it;
      continue;
    }
    while (backend.idle != nullptr) {
      Upstream* upstream = backend.idle;
      backend.idle = upstream->next;
      upstream->previous = upstream->next = nullptr;
      upstream->backend = nullptr;
      idle.push_back(upstream);
    }
    backend.idle_count = 0;
    it = backend.in_flight == 0 ? backends_.erase(it) : std::next(it);
  }
  return idle;
}

Route* LoopTable::find(std::string_view host) const {
  const auto found = routes_.find(host);
  return found == routes_.end() ? nullptr : found->second.get();
}

Backend* LoopTable::choose(Route& route, const Backend* avoid, std::int64_t now_ms) {
  Backend* best = nullptr;
  std::int64_t best_cost = 0;
  const std::size_t n = route.backends.size();
  if (n > 1) ++route.turn;
  for (std::size_t i = 0; i < n; ++i) {
    Backend* backend = route.backends[(route.turn + i) % n];
    // One that has just failed costs more than any number of requests in flight.
    const std::int64_t cost = backend->in_flight + (backend == avoid ? std::int64_t{1} << 40 : 0) +
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
  if (backend.removed && backend.in_flight == 0 && backend.idle_count == 0) backends_.erase(backend.spec.get());
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
