#pragma once
// The deployment controller: decides what should run, makes it so, and records every step in the database first.
// One rollout at a time per Project. Thread: the control-plane loop. Every change it acknowledges survives kill -9:
// what it finds unfinished at start it resumes (configuration, restart) or fails with reason `interrupted` (push).
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "domain/deployment.h"
#include "domain/plan.h"
#include "net/task.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::controller {

// Follows one Deployment's terminal output from its first line; ends after the last line of an ended one.
class Follower {
 public:
  virtual ~Follower() = default;
  // The next lines, waiting for them; an empty vector: the Deployment has ended and all was read.
  virtual net::Task<std::vector<std::string>> next() = 0;
};

struct Removal {
  int containers = 0;
  int networks = 0;
  int images = 0;
  struct Leftover {
    std::string kind;
    std::string id;
    std::string reason;
  };
  std::vector<Leftover> leftovers = {};
};

// How a Project's Instances fare, beside what the Engine says of them. In memory: empty after a start of the Service.
struct Condition {
  std::string problem = {};  // why it cannot be made what it should be; empty: it could
  std::int64_t problem_since_ms = 0;
  struct Restart {
    int crashes = 0;             // in a row
    std::string reason = {};     // of the last: "exit code 1"
    std::int64_t due_in_ms = 0;  // until it starts again; 0: it runs, or is just being started
  };
  std::map<InstanceName, Restart> restarts = {};
};

// What changes a Project's configuration, inside Database::write, on the database's thread: whether a Deployment should
// bring it into service. An error takes all of it back.
using Change = std::function<Result<bool>(store::Tx&)>;

struct Changed {
  std::optional<store::DeploymentRow> deployment = {};
  Status admitted = {};  // where one should have come and none did: why. The change is stored all the same
};

class Controller {
 public:
  virtual ~Controller() = default;
  // Queues a Deployment of a commit that the git role holds. Returns its row at once. This and the others that queue:
  // kPermissionDenied where the plan of the Project's owner allows no further Instance, kFailedPrecondition where its
  // account is suspended.
  virtual net::Task<Result<store::DeploymentRow>> deploy_commit(std::string project_id, std::string actor_id,
                                                                std::string commit) = 0;
  // Queues a Deployment of an image of a registry, as its own command runs it: one `web`.
  virtual net::Task<Result<store::DeploymentRow>> deploy_image(std::string project_id, std::string actor_id,
                                                               std::string reference) = 0;
  // Queues a Deployment with the present environment of the image that is live when its turn comes.
  // kFailedPrecondition where none is live or on its way.
  virtual net::Task<Result<store::DeploymentRow>> redeploy(std::string project_id, std::string actor_id,
                                                           DeploymentCause cause) = 0;
  // Stores a change and queues its Deployment, of cause config or scale, in one transaction: what is stored for the
  // live Deployment to be without never stays so where the Service is killed in between. Where something is on its way
  // but nothing is live yet, that will take the change itself, and this Deployment then finds nothing to do. Of a
  // change of scale, Processes whose size stays keep their Instances. `admitted` is what redeploy() would refuse with.
  virtual net::Task<Result<Changed>> change(std::string project_id, std::string actor_id, DeploymentCause cause,
                                            Change change) = 0;
  // Queues a Deployment of the image, environment and process list of an earlier one; 0: of the newest that was live
  // before the present one and differs from it in one of the three. kNotFound: there is none. kFailedPrecondition:
  // that one never became live, is live, or its image was removed. kUnavailable: the Engine cannot say whether it was.
  virtual net::Task<Result<store::DeploymentRow>> roll_back(std::string project_id, std::string actor_id,
                                                            std::int64_t number) = 0;
  // kAborted where it has ended. Returns once the rollout has let go.
  virtual net::Task<Status> cancel(std::string project_id, std::int64_t number) = 0;
  // Durable: stays stopped over restarts, until a start or a push. Cancels what is on its way.
  virtual net::Task<Status> stop_application(std::string project_id) = 0;
  // Queues a Deployment of the live image; once it is live the Project is no longer stopped. Errors as redeploy().
  virtual net::Task<Result<store::DeploymentRow>> start_application(std::string project_id, std::string actor_id) = 0;
  virtual net::Task<Result<store::DeploymentRow>> wait(std::string project_id,
                                                       std::int64_t number) = 0;  // until it is live or final
  virtual net::Task<Result<std::unique_ptr<Follower>>> follow(std::string project_id, std::int64_t number) = 0;
  // Row and repository. kPermissionDenied: the owner's plan allows no further Project.
  virtual net::Task<Status> create_project(store::ProjectRow project) = 0;
  virtual net::Task<Result<Removal>> delete_project(std::string project_id) = 0;
  // To be called once a Client's suspension, or its end, is stored: what it owns is stopped at once, or started where
  // it ran before, beside; what is on its way is cancelled. Where that is cut off, the next comparison does it.
  virtual net::Task<Status> follow_suspension(std::string client_id) = 0;
  virtual Condition condition(const std::string& project_id) const = 0;
  // What the repositories of these Projects take on the disk together.
  virtual net::Task<Result<std::int64_t>> repository_bytes(std::vector<std::string> project_ids) = 0;
};

}  // namespace paastech::controller
