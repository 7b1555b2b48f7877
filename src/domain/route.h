#pragma once
// Host names of Projects. Pure.
#include <string>
#include <vector>

namespace paastech {

// How the Service is reached from outside; from the configuration.
struct PublicAddress {
  std::string fqdn = "localhost";
  std::string http_scheme = "http";
  int http_port = 8080;
  std::string ssh_host = "127.0.0.1";
  int ssh_port = 2222;
  std::string api_url = "http://127.0.0.1:8000";
};

std::vector<std::string> host_names(const std::string& name, const std::string& uuid, const PublicAddress& address);
std::string application_url(const std::string& name,
                            const PublicAddress& address);                   // no port where it is the scheme's own
std::string git_url(const std::string& name, const PublicAddress& address);  // ssh://git@host:2222/name

}  // namespace paastech
