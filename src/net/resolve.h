#pragma once
// Addresses of host names, by the machine's own resolver. Thread: the loop's; asking happens on a thread of Asio's.
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "net/task.h"

namespace paastech::net {

// All addresses of the name, or the one that is written. Never an empty list. Not to be cancelled: it takes as long as
// resolv.conf(5) lets it. kUnavailable: no address, with a hint.
Task<Result<std::vector<Address>>> resolve(std::string host, std::uint16_t port);

}  // namespace paastech::net
