#pragma once
// Networks of the Docker Engine. Threads and errors: client.h.
#include <map>

#include "docker/client.h"

namespace paastech::docker {

struct NetworkSpec {
  std::string name;
  std::string subnet;       // CIDR
  std::string bridge = {};  // name of the interface, at most 15 characters; empty: the Engine's choice
  std::map<std::string, std::string> labels = {};
};
struct NetworkSummary {
  std::string id;
  std::string name;
  std::vector<std::string> subnets;
  std::map<std::string, std::string> labels;
  std::vector<std::string> containers;  // ids of those attached; known to inspect_network only
};

// kAlreadyExists: there is one of that name. kResourceExhausted: the subnet overlaps with another network. kAborted:
// the bridge's name is taken, maybe by what the Engine remembers of before.
net::Task<Result<std::string>> create_network(ClientPtr client, NetworkSpec spec);
net::Task<Result<NetworkSummary>> inspect_network(ClientPtr client, std::string name);
net::Task<Result<std::vector<NetworkSummary>>> list_networks(ClientPtr client, std::vector<std::string> labels);
net::Task<Status> remove_network(ClientPtr client, std::string name);  // not there: fine

}  // namespace paastech::docker
