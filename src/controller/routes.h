#pragma once
// The route table of all ingresses: holds what each Project's hosts lead to and publishes what changed in it, or all of
// it to an ingress that has another table than ours. Thread: the loop.
// After a start of api the table is empty while the ingresses still serve by their last one; nothing is published
// before complete() says that every Project was looked at, so that a restart never takes an Application's route away.
#include <map>
#include <set>

#include "controller/ports.h"
#include "controller/turn.h"

namespace paastech::controller {

struct ProjectRoutes {
  std::string name;
  std::vector<router::Backend> backends;
};

class Routes {
 public:
  Routes(net::TaskGroup& tasks, Ports& ports);
  void set(const std::string& project, ProjectRoutes routes);
  void erase(const std::string& project);
  bool has(const std::string& project) const { return table_.contains(project); }
  void complete();
  bool is_complete() const { return complete_; }
  net::Task<Status> wait_complete();  // at most 30 s; kUnavailable then
  // Whether every ingress serves by what the table holds now; a publication may have failed or still be on its way.
  bool acknowledged() const { return acknowledged_ == edits_; }
  std::vector<router::Backend> backends(const std::string& project) const;
  // Returns once every ingress serves by the table as it is now, or a later one. As wait_complete() first.
  net::Task<Status> publish();
  // Waits until the backends have no request in flight, at most that long (design, step 5 of a push: 30 s); 0: not at
  // all.
  net::Task<void> drain(std::vector<router::Backend> backends, std::chrono::seconds longest);
  // What has one of these addresses has ended: nobody waits for its visitors any more. They may keep connections open
  // on which nothing can come.
  void let_go(const std::set<std::string>& addresses);
  // Publishes again where an ingress has an older table than ours, for instance after its restart.
  net::Task<void> refresh_stale();

 private:
  // Of a call of drain().
  struct Draining {
    explicit Draining(net::Executor executor) : ended(std::move(executor)) {}
    std::set<std::string> addresses = {};
    bool over = false;
    net::Notifier ended;
    void end() {
      over = true;
      ended.notify();
    }
  };
  net::Task<void> ask_to_drain(router::DrainRequest request, std::shared_ptr<Draining> draining);
  std::int64_t next_version();
  void add_routes_of(const std::string& project, router::RouteTable& out) const;
  router::RouteTable whole(std::int64_t version) const;
  router::RouteTable change(std::int64_t based_on, std::int64_t version, const std::set<std::string>& projects) const;
  net::Task<Status> publish_to(IngressPort* ingress, std::int64_t version, std::set<std::string> projects);
  net::TaskGroup& tasks_;
  Ports& ports_;
  std::map<std::string, ProjectRoutes> table_;
  bool complete_ = false;
  net::Notifier completed_;
  std::int64_t version_ = 0;
  std::map<IngressPort*, std::int64_t> known_;  // the version that each serves by; who is not here gets the whole table
  std::set<std::string> edited_;                // Projects whose routes some ingress may not have as they are here
  std::uint64_t edits_ = 0;                     // changes of the table so far
  std::uint64_t acknowledged_ = 0;              // as many of them are known to every ingress
  std::shared_ptr<Turn> turn_;
  std::vector<std::weak_ptr<Draining>> draining_;
};

// The Backend of an Instance of the Engine's, as EnsureGroup and List describe it.
router::Backend backend_of(const std::string& address, int port, std::int64_t deployment);
bool same_backends(const std::vector<router::Backend>& a, const std::vector<router::Backend>& b);

}  // namespace paastech::controller
