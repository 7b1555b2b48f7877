#include "controller/routes.h"

#include <algorithm>

#include "net/loop_time.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {
constexpr auto kPatience = 30s;  // a comparison with the Engine has to come by then, or a call is told that it does not
}

Routes::Routes(net::TaskGroup& tasks, Ports& ports)
    : tasks_(tasks), ports_(ports), completed_(tasks.executor()), turn_(std::make_shared<Turn>(tasks.executor())) {}

void Routes::set(const std::string& project, ProjectRoutes routes) {
  const auto found = table_.find(project);
  const bool same = found != table_.end() && found->second.name == routes.name &&
                    same_backends(found->second.backends, routes.backends);
  if (same) return;
  table_[project] = std::move(routes);
  edited_.insert(project);
  ++edits_;
}

void Routes::erase(const std::string& project) {
  if (table_.erase(project) == 0) return;
  edited_.insert(project);
  ++edits_;
}

void Routes::complete() {
  complete_ = true;
  completed_.notify();
}

std::vector<router::Backend> Routes::backends(const std::string& project) const {
  const auto found = table_.find(project);
  return found == table_.end() ? std::vector<router::Backend>{} : found->second.backends;
}

// The clock keeps versions rising over a restart of api without storing them; a clock set back is caught by + 1.
std::int64_t Routes::next_version() {
  version_ = std::max(version_ + 1, ports_.clock.now_ms());
  return version_;
}

void Routes::add_routes_of(const std::string& project, router::RouteTable& out) const {
  const auto found = table_.find(project);
  if (found == table_.end()) return;
  for (const std::string& host : host_names(found->second.name, project, ports_.address)) {
    router::Route& route = *out.add_routes();
    route.set_host(host);
    route.set_project(project);
    for (const router::Backend& backend : found->second.backends) *route.add_backends() = backend;
  }
}

router::RouteTable Routes::whole(std::int64_t version) const {
  router::RouteTable out;
  out.set_version(version);
  for (const auto& [project, routes] : table_) add_routes_of(project, out);
  return out;
}

router::RouteTable Routes::change(std::int64_t based_on, std::int64_t version,
                                  const std::set<std::string>& projects) const {
  router::RouteTable out;
  out.set_version(version);
  out.set_based_on(based_on);
  for (const std::string& project : projects) {
    out.add_projects(project);
    add_routes_of(project, out);
  }
  return out;
}

net::Task<Status> Routes::publish_to(IngressPort* ingress, std::int64_t version, std::set<std::string> projects) {
  const auto known = known_.extract(ingress);  // until it has said so, nobody knows
  Status published = fail(Code::kFailedPrecondition, "");
  if (!known.empty()) {
    router::RouteTable small = change(known.mapped(), version, projects);
    published = co_await ingress->publish(std::move(small));
  }
  if (!published && published.error().code == Code::kFailedPrecondition) {
    router::RouteTable all = whole(version);
    published = co_await ingress->publish(std::move(all));
  }
  if (!published && published.error().code == Code::kFailedPrecondition) {
    // The ingress has seen a later version: our clock went back. Go beyond it and try once more.
    const Result<std::int64_t> seen = co_await ingress->table_version();
    if (seen) version_ = std::max(version_, *seen);
    version = next_version();
    router::RouteTable all = whole(version);
    published = co_await ingress->publish(std::move(all));
  }
  if (published) known_[ingress] = version;
  co_return published;
}

net::Task<Status> Routes::wait_complete() {
  const auto patience = net::LoopClock::now() + kPatience;
  while (!complete_ && net::LoopClock::now() < patience) co_await completed_.wait(1s);
  if (!complete_)
    co_return fail(Code::kUnavailable, "the Engine has not answered since the Service was started",
                   "try again once it does");
  co_return Status{};
}

net::Task<Status> Routes::publish() {
  CO_TRY(co_await wait_complete());
  co_await turn_->take();
  TurnHolder holder(turn_);
  const std::uint64_t edits = edits_;
  const std::set<std::string> projects = std::exchange(edited_, {});
  const std::int64_t version = next_version();  // the same for all, so that none looks older than another
  Status done;
  for (IngressPort* ingress : ports_.ingresses) {
    const Status published = co_await publish_to(ingress, version, projects);
    if (!published && done) done = published;
  }
  if (done)
    acknowledged_ = edits;
  else
    edited_.insert(projects.begin(), projects.end());
  co_return done;
}

net::Task<void> Routes::drain(std::vector<router::Backend> backends, std::chrono::seconds longest) {
  if (backends.empty() || longest <= 0s) co_return;
  const auto draining = std::make_shared<Draining>(tasks_.executor());
  router::DrainRequest request;
  for (const router::Backend& backend : backends) {
    *request.add_backends() = backend;
    draining->addresses.insert(backend.address());
  }
  request.set_timeout_ms(static_cast<std::int32_t>(std::chrono::milliseconds(longest).count()));
  std::erase_if(draining_, [](const std::weak_ptr<Draining>& one) { return one.expired(); });
  draining_.push_back(draining);
  tasks_.spawn("drain", ask_to_drain(std::move(request), draining));
  while (!draining->over) co_await draining->ended.wait(1h);
}

net::Task<void> Routes::ask_to_drain(router::DrainRequest request, std::shared_ptr<Draining> draining) {
  for (IngressPort* ingress : ports_.ingresses) {
    const Result<router::DrainReply> reply = co_await ingress->drain(request);
    if (draining->over) co_return;
    if (!reply)
      spdlog::warn("draining: {}", reply.error().message);
    else if (reply->in_flight() > 0)
      spdlog::info("draining: {} requests were still in flight after {} s", reply->in_flight(),
                   request.timeout_ms() / 1000);
  }
  draining->end();
}

void Routes::let_go(const std::set<std::string>& addresses) {
  for (const std::weak_ptr<Draining>& one : draining_) {
    const std::shared_ptr<Draining> draining = one.lock();
    const auto goes = [&](const std::string& address) { return addresses.contains(address); };
    if (draining && std::ranges::any_of(draining->addresses, goes)) draining->end();
  }
}

net::Task<void> Routes::refresh_stale() {
  if (!complete_) co_return;
  bool stale = false;
  for (IngressPort* ingress : ports_.ingresses) {
    const Result<std::int64_t> version = co_await ingress->table_version();
    stale = stale || (version && *version < version_);
  }
  if (!stale) co_return;
  Status published = co_await publish();
  if (!published) spdlog::warn("publishing routes: {}", published.error().message);
}

router::Backend backend_of(const std::string& address, int port, std::int64_t deployment) {
  router::Backend backend;
  backend.set_address(address);
  backend.set_port(port);
  backend.set_deployment(deployment);
  return backend;
}

bool same_backends(const std::vector<router::Backend>& a, const std::vector<router::Backend>& b) {
  const auto same = [](const router::Backend& x, const router::Backend& y) {
    return x.address() == y.address() && x.port() == y.port() && x.deployment() == y.deployment();
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace paastech::controller
