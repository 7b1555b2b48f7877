#pragma once
// Follows one Deployment's log to its end, over lost connections: the log begins anew, what was shown is skipped.
#include "cli/session.h"

namespace paastech::cli {

// Shows the lines (with --json and raw: each event's JSON on a line) and answers the final Deployment. Ctrl-C leaves
// the Deployment alone and is exit 130.
Outcome<boost::json::value> follow_deployment(Session& session, const std::string& project_path, std::int64_t number,
                                              bool raw = false);
// One closing line; exit 0 where it went live, else 1 with the reason.
Outcome<int> report_deployment(Session& session, const boost::json::value& deployment);
// For commands whose answer may hold a Deployment: follows it unless told not to wait, prints the JSON answer with its
// final state in `key`, and answers the exit code.
Outcome<int> follow_answer(Session& session, const std::string& project_path, boost::json::value answer,
                           std::string_view key, bool wait);
bool has_ended(std::string_view state);

}  // namespace paastech::cli
