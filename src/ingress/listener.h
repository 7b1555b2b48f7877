#pragma once
// Listening sockets, one a loop, that the kernel spreads connections over (SO_REUSEPORT). Thread: any.
#include <vector>

#include "base/address.h"

namespace paastech::ingress {

// Owned by the caller. Failures: kInvalidArgument, kAlreadyExists for a taken port, kPermissionDenied for a privileged
// one.
Result<std::vector<int>> open_listeners(const std::string& address, std::uint16_t port, int count);
std::uint16_t port_of(int fd);

}  // namespace paastech::ingress
