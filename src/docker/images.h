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
  std::vector<std::string> names;  // its tags and registries' digests
  std::map<std::string, std::string> labels;
  std::vector<std::string> exposed;   // "80/tcp"
  std::vector<std::string> on_build;  // its triggers
  std::vector<std::string> volumes;   // paths
  std::string platform;               // "linux/amd64", with the variant behind a third slash where it has one
  std::int64_t created_at_ms = 0;
  std::int64_t size_bytes = 0;  // with all it stands upon
  std::size_t text_bytes = 0;   // of its labels, environment and command
  bool has_command = false;     // it names a Cmd or an Entrypoint
};

// Every image there is, those without a name and those that others stand upon too.
struct ImageNode {
  std::string id;
  std::string parent;  // empty: none that is known
  std::vector<std::string> names;
  std::int64_t created_at_ms = 0;
  std::int64_t size_bytes = 0;  // with all it stands upon
};

net::Task<Result<ImageDetails>> inspect_image(ClientPtr client, std::string reference);
// pattern as in `docker images --filter reference=`; one item a tag.
net::Task<Result<std::vector<ImageSummary>>> list_images(ClientPtr client, std::string pattern);
net::Task<Result<std::vector<ImageNode>>> list_all_images(ClientPtr client);
// For the header X-Registry-Auth of the two calls below; empty where there is no user name. Holds the password.
std::string registry_authority(const std::string& username, const std::string& password, const std::string& host);
// What the registry says the digest of NAME:TAG or NAME@DIGEST is: "sha256:…". Nothing is fetched. The text of an error
// is the registry's own.
net::Task<Result<std::string>> registry_digest(ClientPtr client, std::string reference, std::string authority);
// Answers with the messages of build.h. tag: or a digest.
net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_pull(ClientPtr client, std::string name, std::string tag,
                                                                std::string platform, std::string authority = {});
net::Task<Status> tag_image(ClientPtr client, std::string id, std::string name, std::string tag);
net::Task<Status> remove_image(ClientPtr client, std::string reference);  // not there: fine

}  // namespace paastech::docker
