#pragma once
// Cause and state of a Deployment as the tables hold them; seen by the table files only.
#include <string>

#include "store/deployments.h"

namespace paastech::store {

// False where the program knows no such cause or state.
inline bool read_names(DeploymentRow& row, const std::string& cause, const std::string& state) {
  const Result<DeploymentCause> known_cause = deployment_cause(cause);
  const Result<DeploymentState> known_state = deployment_state(state);
  row.cause = known_cause.value_or(DeploymentCause::kPush);
  row.state = known_state.value_or(DeploymentState::kFailed);
  return known_cause && known_state;
}

inline std::unexpected<Error> unknown_deployment() {
  return fail(Code::kInternal, "the database holds a deployment with a state or cause that is not known",
              "it may have been changed by hand, or by a newer program; restore it from a backup");
}

}  // namespace paastech::store
