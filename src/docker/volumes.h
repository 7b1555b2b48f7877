#pragma once
// Named volumes of the Docker Engine. Threads and errors: client.h.
#include <map>

#include "docker/client.h"

namespace paastech::docker {

struct VolumeSummary {
  std::string name;
  std::map<std::string, std::string> labels;
};

net::Task<Status> create_volume(ClientPtr client, std::string name,
                                std::map<std::string, std::string> labels);  // idempotent
net::Task<Result<std::vector<VolumeSummary>>> list_volumes(ClientPtr client, std::vector<std::string> labels);
// Volume → bytes that lie in it; one whose driver cannot say is left out. The Engine walks all their files, and refuses
// while somebody else asks for the same.
net::Task<Result<std::map<std::string, std::int64_t>>> volume_sizes(ClientPtr client);
net::Task<Status> remove_volume(ClientPtr client, std::string name);  // not there: fine; kAborted: in use

}  // namespace paastech::docker
