#pragma once
// The daemon's configuration: defaults, then the TOML file, then the environment; the last word wins.
// Every problem is reported with file, line and key. Read once at start.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace paastech {

struct Config {
  std::filesystem::path home = "./.paastech";  // PAASTECH_HOME, made absolute
  std::string log_level = "info";              // log.level: debug | info | warn | error
  // [database]; only api needs it
  std::string database_url;  // database.url, PAASTECH_DATABASE_URL: sqlite:PATH or postgresql://…; default: the home's
  std::string database_password_file;  // database.password_file: of PostgreSQL, instead of a password in the URL
  // [service]
  std::string fqdn = "localhost";                    // service.fqdn: Applications live under user-app.<fqdn>
  std::string public_scheme = "http";                // service.scheme, as visitors see it
  int public_port = 0;                               // service.public_port; 0: the ingress's own
  std::string ssh_host;                              // service.ssh_host, as Clients see it; default: 127.0.0.1 or fqdn
  std::string api_url;                               // service.api_url, as Clients see it; default: from the API's port
  std::string admin_email = "admin@paastech.local";  // service.admin_email: the first Client, made at first start
  // [ingress]
  std::string http_address = "0.0.0.0";
  int http_port = 8080;                // PAASTECH_HTTP_PORT
  int router_loops = 0;                // ingress.loops; 0: a core each
  int min_body_rate = 500;             // ingress.min_body_rate: bytes a second of a request's body; 0: none
  std::int64_t max_request_bytes = 0;  // ingress.max_request_bytes: of a body; 0: as many as the Application takes
  int response_timeout_s = 60;         // ingress.response_timeout_s: from a request's last byte to its answer's head
  int stall_timeout_s = 60;            // ingress.stall_timeout_s: a body of which no byte moves
  std::string trusted_proxy;           // ingress.trusted_proxy: networks whose X-Forwarded-* is believed
  // [api]
  std::string api_address = "127.0.0.1";
  int api_port = 8000;            // PAASTECH_API_PORT
  std::string api_trusted_proxy;  // api.trusted_proxy: networks whose X-Forwarded-For is believed; empty: none
  // Requests a minute (api/request_limits.h); 0: no limit. A busy Client – some programs, a web application that asks
  // twice a second for each of ten open pages, ten followers of logs – stays below a third of them.
  std::int64_t api_reads_per_minute = 6'000;      // api.reads_per_minute, of one account
  std::int64_t api_changes_per_minute = 600;      // api.changes_per_minute, of one account
  std::int64_t api_anonymous_per_minute = 3'000;  // api.anonymous_per_minute, of one address
  // [accounts]
  std::string sign_up = "invite";                  // accounts.sign_up: open | invite | closed
  bool administrators_need_second_factor = false;  // accounts.administrators_need_second_factor
  // [mail]; without a host this Service sends none
  std::string mail_host;                   // mail.host
  int mail_port = 587;                     // mail.port
  std::string mail_security = "starttls";  // mail.security: starttls | tls | none, the last only to this machine
  std::string mail_username;               // mail.username
  std::string mail_password_file;          // mail.password_file, from the home; mode 0600
  std::string mail_from;                   // mail.from: an address, or Name <address>
  std::string mail_ca_file;  // mail.ca_file: PEM, from the home; takes the place of the machine's authorities
  int mail_timeout_s = 60;   // mail.timeout_s
  // [audit]
  int audit_keep_days = 365;  // audit.keep_days
  // [logs]; of a Project
  std::int64_t log_keep_bytes = 64LL << 20;  // logs.keep_bytes
  int log_keep_days = 14;                    // logs.keep_days
  // [git]
  std::string ssh_address = "0.0.0.0";
  int ssh_port = 2222;                        // PAASTECH_SSH_PORT
  std::int64_t max_push_bytes = 512LL << 20;  // git.max_push_bytes
  std::int64_t push_timeout_s = 1800;
  // [engine]
  std::string docker_socket = "/var/run/docker.sock";  // PAASTECH_DOCKER_SOCKET
  std::string subnet_pool = "10.208.0.0/12";           // engine.subnet_pool
  int subnet_bits = 28;                                // engine.subnet_bits, 24-29
  std::string registries;                              // engine.registries, as pomegranate/registry_list.h has them
  std::string instance;                                // engine.instance; default: <home>/instance, else from the path
  // [builds]
  int builds = 2;
  int builds_per_client = 1;
  std::int64_t build_timeout_s = 900;           // builds.timeout_s
  std::int64_t build_memory_bytes = 1LL << 30;  // builds.memory_bytes
  std::int64_t build_cache_bytes = 10LL << 30;  // builds.cache_bytes: what builds may leave beside the images in use
  // [disk]: of the file system that holds the Engine's images, in percent that are used
  int disk_collect_percent = 85;  // from here on, what nobody goes back to is removed
  int disk_refuse_percent = 95;   // from here on, nothing is built
  // What may be written beside an image
  std::int64_t instance_disk_bytes = 4LL << 30;  // disk.instance_bytes: by an Instance or a release command
  std::int64_t build_disk_bytes = 8LL << 30;     // disk.build_bytes: by all steps of a build together

  // [roles]: how roles in processes of their own reach one another; `all` needs none of it. roles.api and so on are
  // host:port, TCP with mutual TLS; empty: the unix socket in run/
  std::string role_api;
  std::string role_pomegranate;
  std::string role_git;
  std::string role_router;
  std::string roles_listen_address = "127.0.0.1";  // roles.listen_address; the port is that of the role's own entry
  std::string roles_certificates;  // roles.certificates: ca.crt, ROLE.crt, ROLE.key; default: authority/

  std::filesystem::path run_folder() const { return home / "run"; }
};

using GetEnvironment = std::function<const char*(const char*)>;

// file may be empty: then <home>/paastech.toml is read where it exists.
Result<Config> load_config(const std::filesystem::path& file, const GetEnvironment& environment);
// What is in force, a line `key = value` each; passwords are left out.
std::string describe(const Config& config);

}  // namespace paastech
