#pragma once
// Which images a Dockerfile may build on: never those of another Project, which lie in the same Engine under names that
// can be guessed from a URL or found by the first digits of an id; and none from a registry that is named by an
// address, as of this machine itself, which the Engine could reach where a build cannot. What cannot be read for
// certain is refused. Pure, but for what asks for addresses.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/image_name.h"
#include "net/task.h"
#include "pomegranate/registry_list.h"

namespace paastech::pomegranate {

struct BaseImage {
  std::string reference;
  std::string platform = {};  // "linux/amd64" where FROM names one
  int line = 0;
  bool copied_from = false;     // by --from=, and nothing is built on it
  std::string trigger_of = {};  // the image whose trigger copies from it
};

// The images of all FROM and --from= that are neither stages nor scratch, checked, with ARG values put in as Docker
// does; of those in ONBUILD only what is no stage for certain. kInvalidArgument names the line.
Result<std::vector<BaseImage>> check_image_references(std::string_view dockerfile, std::string_view project,
                                                      const Registries& registries = {});
// The same for an image that a Client wants to run as it is. No image of any project.
Status check_foreign_image(std::string_view reference, const Registries& registries = {});

// Whether an image may be fetched from the registry that the reference names (registry_list.h). One that only `*` takes
// must be at public addresses; the Engine then resolves its name anew and follows what it answers: a name whose
// addresses change between the two questions gets past this, and so does a hostile registry; docs/architecture.md says
// what holds the Engine back then. kInvalidArgument: it may not; kFailedPrecondition: the name does not resolve.
net::Task<Status> check_registry_source(std::string reference, Registries registries);
// No stage can have this name, so it is an image's.
bool is_surely_image(std::string_view name);

// Splits NAME[:TAG][@DIGEST] as the Engine's pull wants it; latest where neither is there.
struct PullName {
  std::string name;
  std::string tag;
  std::string text() const { return name + " " + tag; }
};
PullName pull_name(std::string_view reference);  // equal for all spellings of one image of Docker Hub

}  // namespace paastech::pomegranate
