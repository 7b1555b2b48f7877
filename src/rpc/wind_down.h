#pragma once
// The order in which a process with gRPC services of its own comes to its end.
#include <vector>

#include "net/task.h"
#include "rpc/host.h"

namespace paastech::rpc {

// Cancels every task and waits until all have ended, and only then stops the hosts, beside the loop. For a task may
// make a last call on its way to the end – of itself, or as another task –, and gRPC 1.51 jumps to address 0 where a
// call begins on the in-process channel of a server that was shut down. Calls that come from other processes meanwhile
// are cut off as they begin. hosts: null ones are passed over. Thread: the group's.
net::Task<void> wind_down(net::TaskGroup& tasks, net::BlockingPool& aside, std::vector<Host*> hosts);

}  // namespace paastech::rpc
