#include "domain/route.h"

#include <fmt/compile.h>

namespace paastech {
namespace {

std::string application_host(const std::string& label, const PublicAddress& address) {
  return fmt::format(FMT_COMPILE("{}.user-app.{}"), label, address.fqdn);
}

// A literal IPv6 address stands in brackets in a URL (RFC 3986 section 3.2.2).
std::string url_host(const std::string& host) {
  return host.find(':') != std::string::npos && !host.starts_with('[') ? "[" + host + "]" : host;
}

std::string port_suffix(int port, int standard) { return port == standard ? "" : ":" + std::to_string(port); }

}  // namespace

std::vector<std::string> host_names(const std::string& name, const std::string& uuid, const PublicAddress& address) {
  return {application_host(name, address), application_host(uuid, address)};
}

std::string application_url(const std::string& name, const PublicAddress& address) {
  const int standard = address.http_scheme == "https" ? 443 : 80;
  return fmt::format(FMT_COMPILE("{}://{}{}"), address.http_scheme, application_host(name, address),
                     port_suffix(address.http_port, standard));
}

std::string git_url(const std::string& name, const PublicAddress& address) {
  return "ssh://git@" + url_host(address.ssh_host) + port_suffix(address.ssh_port, 22) + "/" + name;
}

}  // namespace paastech
