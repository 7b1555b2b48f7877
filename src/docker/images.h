#pragma once
// Images of the Docker Engine. Threads and errors: client.h.
#include <cstdint>
#include <map>

#include "docker/client.h"

namespace paastech::docker {

struct ImageSummary {
  std::string reference;  // one of its tags
  std::string id;
  std::int64_t created_at_ms = 0;
  std::int64_t size_bytes = 0;
};
struct ImageDetails {
  std::string id;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  std::vector<std::string> exposed;  // "80/tcp"
  bool has_command = false;          // it names a Cmd or an Entrypoint
};

net::Task<Result<ImageDetails>> inspect_image(ClientPtr client, std::string reference);
// pattern as in `docker images --filter reference=`; one item a tag.
net::Task<Result<std::vector<ImageSummary>>> list_images(ClientPtr client, std::string pattern);
net::Task<Status> remove_image(ClientPtr client, std::string reference);  // not there: fine

}  // namespace paastech::docker
