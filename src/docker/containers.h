#pragma once
// Containers of the Docker Engine. Threads and errors: client.h.
#include <cstdint>
#include <map>

#include "docker/client.h"

namespace paastech::docker {

// What the Engine keeps of a container's output: files of the `local` driver, of which the oldest goes.
inline constexpr int kLogMegabytes = 10;
inline constexpr int kLogFiles = 5;

// Nothing is published, mounted or shared with the host: there are no fields for it.
struct ContainerSpec {
  std::string name;
  std::string image;
  std::vector<std::string> command = {};      // empty: the image's own
  std::vector<std::string> environment = {};  // NAME=value
  std::map<std::string, std::string> labels = {};
  std::string hostname = {};
  std::string network;
  std::string runtime = {};       // empty: the Engine's default
  std::int64_t memory_bytes = 0;  // of memory and swap together
  std::int64_t nano_cpus = 0;     // 1e9 = one core
  std::int64_t processes = 0;
  std::int64_t open_files = 0;
  std::vector<std::string> capabilities = {};  // all others are dropped
  std::string stop_signal = {};                // empty: the image's own, else SIGTERM
  int stop_seconds = 0;                        // until SIGKILL; 0: the Engine's default, 10
  int log_megabytes = kLogMegabytes;           // a file of the `local` driver
  int log_files = kLogFiles;
};

struct ContainerSummary {
  std::string id;
  std::string name;
  std::string state;
  std::string network;  // the one it was made for
  std::string image;    // id
  std::map<std::string, std::string> labels;
  std::vector<std::string> volumes;  // names of those that hang in it, the Engine's own for each VOLUME too
  std::int64_t written_bytes = 0;    // beside its image and its volumes; only where sizes were asked for
};

struct Written {
  std::int64_t bytes = 0;            // beside its image and its volumes
  std::vector<std::string> volumes;  // names
};

struct ContainerDetails {
  std::string id;
  std::string name;
  std::string image;     // as it was asked for
  std::string image_id;  // what it runs upon
  std::string state;     // created | running | paused | restarting | removing | exited | dead
  int exit_code = 0;
  bool out_of_memory = false;
  std::string error;  // why the Engine could not start it
  std::int64_t started_at_ms = 0;
  int restarts = 0;
  std::string restart_policy;
  int stop_seconds = 10;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> addresses;  // network → IPv4
  std::vector<std::string> extra_hosts;
};

struct ContainerStats {
  std::int64_t at_ns = 0;
  std::int64_t cpu_ns = 0;        // used since the start
  std::int64_t memory_bytes = 0;  // without the page cache that can go
  std::int64_t memory_limit_bytes = 0;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  int processes = 0;
};

net::Task<Result<std::string>> create_container(ClientPtr client, ContainerSpec spec);  // the id
net::Task<Status> start_container(ClientPtr client, std::string id);                    // started already: fine
// Stopped already: fine. grace_seconds: 0 kills it at once.
net::Task<Status> stop_container(ClientPtr client, std::string id, int grace_seconds);
// With force and its anonymous volumes. Waits for a removal under way; not there: fine.
net::Task<Status> remove_container(ClientPtr client, std::string id);
net::Task<Result<ContainerDetails>> inspect_container(ClientPtr client, std::string id);
// All states; each label is "key" or "key=value". sizes: the Engine walks through all files that they wrote.
net::Task<Result<std::vector<ContainerSummary>>> list_containers(ClientPtr client, std::vector<std::string> labels,
                                                                 bool sizes = false);
net::Task<Result<Written>> written(ClientPtr client, std::string id);  // of one
net::Task<Status> set_restart_policy(ClientPtr client, std::string id, std::string policy);
net::Task<Status> limit_processes(ClientPtr client, std::string id, std::int64_t processes);
// Answers the exit code once the container is not running. To be read with read_wait, which waits as long as it takes;
// closing it ends the wait.
net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_wait(ClientPtr client, std::string id);
net::Task<Result<int>> read_wait(ClientPtr client, net::HttpExchange* exchange);
net::Task<Result<ContainerStats>> container_stats(ClientPtr client, std::string id);

std::int64_t parse_time_ns(std::string_view rfc3339);  // 0 where it is none, or before 1970

}  // namespace paastech::docker
