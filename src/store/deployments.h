#pragma once
// Table deployments. Functions are called inside Database::write or read, on the database's thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/deployment.h"
#include "store/database.h"

namespace paastech::store {

struct DeploymentRow {
  std::string project_id;
  std::int64_t number = 0;
  DeploymentCause cause = DeploymentCause::kPush;
  DeploymentState state = DeploymentState::kQueued;
  std::string commit;
  std::string commit_subject;
  std::string image;
  int port = 80;
  std::string processes = "{}";  // JSON
  std::string environment;       // sealed; empty: dropped
  std::int64_t origin = 0;       // of a rollback: the Deployment whose image and environment it runs; 0: none
  std::string actor_id;
  std::string reason;
  std::string message;
  std::int64_t created_at = 0;
  std::int64_t finished_at = 0;
};

// Takes the Project's next number and inserts; row.number is set. This and update_deployment() keep what the process
// list counts for beside it (store/usage.h); kInternal where the list does not read.
Status insert_deployment(Tx& tx, DeploymentRow& row);
Result<DeploymentRow> find_deployment(Tx& tx, const std::string& project_id, std::int64_t number);  // kNotFound
Result<std::vector<DeploymentRow>> list_deployments(Tx& tx, const std::string& project_id, int limit,
                                                    std::int64_t before);  // newest first; before 0: from the newest
// Writes the changeable columns (state, commit, commit_subject, image, port, processes, reason, message, finished_at)
// where the move is allowed by can_follow(stored state, row.state) or the state is equal; else kAborted. kAborted too
// where another Deployment of the Project is live: supersede that one first, in the same transaction.
Status update_deployment(Tx& tx, const DeploymentRow& row);
// Writes the environment, which goes with the number that the insertion gave. Nothing else writes it but the rotation
// of keys (store/reseal.h) and drop_snapshot(): an update of a row that was read before would bring an older key's
// value back. kNotFound.
Status set_snapshot(Tx& tx, const DeploymentRow& row);
// An ended Deployment that still has its environment.
struct SnapshotRow {
  std::int64_t number = 0;
  bool was_live = false;
  std::string image;
};
Result<std::vector<SnapshotRow>> ended_snapshots(Tx& tx, const std::string& project_id);  // newest first
// Takes the environment away for good: nobody goes back to this Deployment any more.
Status drop_snapshot(Tx& tx, const std::string& project_id, std::int64_t number);
Result<std::optional<DeploymentRow>> live_deployment(Tx& tx, const std::string& project_id);
// The newest of a Project in one of these states, newest first.
Result<std::vector<DeploymentRow>> newest_in(Tx& tx, const std::string& project_id,
                                             const std::vector<DeploymentState>& states, int limit);
Result<std::vector<DeploymentRow>> queued_deployments(Tx& tx, const std::string& project_id);           // by number
Result<std::vector<DeploymentRow>> deployments_in(Tx& tx, const std::vector<DeploymentState>& states);  // oldest first

}  // namespace paastech::store
