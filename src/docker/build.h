#pragma once
// Image builds of the Docker Engine by its classic builder (POST /build, version=1). Threads and errors: client.h.
#include <cstdint>
#include <map>

#include "docker/client.h"

namespace paastech::docker {

struct BuildOptions {
  std::string dockerfile;
  std::string tag;
  std::int64_t memory_bytes = 0;  // of memory and swap together
  std::int64_t milli_cpus = 0;
  std::int64_t open_files = 0;
  std::string network;
  std::vector<std::string> cache_from = {};  // never empty, or every image on the machine is a cache
  std::string extra_host = {};               // NAME:IP in the build containers' hosts file
};

// The caller writes the tar, finishes, and reads the answer's JSON messages. Closing it ends the build.
net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_build(ClientPtr client, BuildOptions options);

// One message of the answer.
struct BuildMessage {
  std::string stream = {};  // output, with its own line ends
  std::string status = {};  // of a pull
  std::string error = {};
  int error_code = 0;      // the exit code of the command that failed
  std::string image = {};  // the id of what was built
};
Result<BuildMessage> parse_build_message(std::string_view line);

}  // namespace paastech::docker
