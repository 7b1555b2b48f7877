#pragma once
// Wires the roles of one process and runs them until SIGTERM or SIGINT. `all` holds the four roles, joined by
// in-process gRPC channels; a role alone serves gRPC on the unix socket <home>/run/<role>.sock, or by TCP with mutual
// TLS too, and finds the others there (paastechd/links.h).
#include <set>
#include <string>

#include "base/result.h"
#include "paastechd/config.h"

namespace paastech {

enum class DaemonRole { kApi, kPomegranate, kGit, kRouter };

// Blocks until a signal ends it. An error: it could not start, and why.
Status run_daemon(const Config& config, const std::set<DaemonRole>& roles);

}  // namespace paastech
