#pragma once
// Which images a Dockerfile may build on: never those of another Project, which lie in the same Engine under names that
// can be guessed from a URL or found by the first digits of an id; and none from a registry on this machine itself,
// which the Engine could reach where a build cannot. What cannot be read for certain is refused. Pure, but for what
// asks for addresses.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/image_name.h"
#include "net/task.h"

namespace paastech::pomegranate {

struct BaseImage {
  std::string reference;
  std::string platform = {};  // "linux/amd64" where FROM names one
  int line = 0;
  bool copied_from = false;  // by --from=, and nothing is built on it
};

// Registries that may be used although they are named by an address: "127.0.0.1:5000", as in a reference.
using Registries = std::vector<std::string>;

// The images of all FROM and --from= that are neither stages nor scratch, checked, with ARG values put in as Docker
// does. kInvalidArgument names the line.
Result<std::vector<BaseImage>> check_image_references(std::string_view dockerfile, std::string_view project,
                                                      const Registries& registries = {});
// The same for an image that a Client wants to run as it is. No image of any project.
Status check_foreign_image(std::string_view reference, const Registries& registries = {});

// Whether the registry that the reference names, if it is not listed, is at public addresses only (threat 20): the
// Engine asks from inside of the Service's network. It resolves the name anew and follows what the registry answers, a
// redirect or a realm for tokens: a name whose addresses change between the two questions gets past this, and so does a
// hostile registry; docs/architecture.md says what holds the Engine back then. kInvalidArgument: it is not;
// kFailedPrecondition: the name does not resolve.
net::Task<Status> check_registry_address(std::string reference, Registries registries);

// Splits NAME[:TAG][@DIGEST] as the Engine's pull wants it; latest where neither is there.
struct PullName {
  std::string name;
  std::string tag;
  std::string text() const { return name + " " + tag; }
};
PullName pull_name(std::string_view reference);  // equal for all spellings of one image of Docker Hub

}  // namespace paastech::pomegranate
