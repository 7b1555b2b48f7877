#pragma once
// The route table of all ingresses: holds what each Project's hosts lead to and publishes it whole. Thread: the loop.
#include <map>

#include "controller/ports.h"
#include "controller/turn.h"

namespace paastech::controller {

struct ProjectRoutes {
  std::string name;
  std::vector<router::Backend> backends;
};

class Routes {
 public:
  Routes(net::Executor executor, Ports& ports);
  void set(const std::string& project, ProjectRoutes routes) { table_[project] = std::move(routes); }
  void erase(const std::string& project) { table_.erase(project); }
  std::vector<router::Backend> backends(const std::string& project) const;
  // Returns once every ingress serves by the table as it is now; concurrent calls share one publication.
  net::Task<Status> publish();
  // Waits until the backends have no request in flight, at most 30 s (design, step 5 of a push).
  net::Task<void> drain(std::vector<router::Backend> backends);
  // Publishes again where an ingress has an older table than ours, for instance after its restart.
  net::Task<void> refresh_stale();

 private:
  router::RouteTable table();
  Ports& ports_;
  std::map<std::string, ProjectRoutes> table_;
  std::int64_t version_ = 0;
  std::shared_ptr<Turn> turn_;
};

}  // namespace paastech::controller
