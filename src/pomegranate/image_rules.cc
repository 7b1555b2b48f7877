#include "pomegranate/image_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "build/dockerfile.h"

namespace paastech::pomegranate {

namespace {

// Ordinary images have 1 to 4 KiB of text, a port or two and at most a few volumes.
constexpr std::size_t kMaxImageText = 32 << 10;
constexpr std::size_t kMaxPorts = 64;
constexpr std::size_t kMaxVolumes = 16;

}  // namespace

Status check_image_bounds(const docker::ImageDetails& image) {
  if (image.text_bytes > kMaxImageText)
    return fail(
        Code::kInvalidArgument,
        fmt::format("the image's labels, environment and command are over {} KiB together", kMaxImageText >> 10),
        "put long text into a file of the image");
  if (image.exposed.size() > kMaxPorts)
    return fail(Code::kInvalidArgument, fmt::format("the image EXPOSEs more than {} ports", kMaxPorts),
                "only the one port that takes requests need be named");
  if (image.volumes.size() > kMaxVolumes)
    return fail(Code::kInvalidArgument, fmt::format("the image has more than {} VOLUMEs", kMaxVolumes),
                "remove those that are not needed");
  return {};
}

Result<std::vector<BaseImage>> check_triggers(const docker::ImageDetails& image, std::string_view project,
                                              const Registries& registries) {
  std::vector<BaseImage> copied;
  for (const std::string& trigger : image.on_build) {
    const auto refuse = [&trigger](const std::string& why) {
      return fail(
          Code::kInvalidArgument,
          "it has the trigger `ONBUILD " + sanitize_terminal(trigger.substr(0, 100)) + "`, which is refused" + why,
          "build on another image");
    };
    // Each is read on its own, by the builder as here.
    if (trigger.find('\n') != std::string::npos || trim(trigger).starts_with('#')) return refuse("");
    const std::string text = "FROM scratch\n" + trigger + "\n";
    if (const Status fine = build::check_dockerfile_text(text); !fine) return refuse(": " + fine.error().message);
    const auto named = check_image_references(text, project, registries);
    if (!named) return refuse(": " + named.error().message);
    std::ranges::copy_if(*named, std::back_inserter(copied),
                         [](const BaseImage& one) { return is_surely_image(one.reference); });
    TRY_ASSIGN(const std::vector<build::AddSource> added, build::add_sources(text));
    if (std::ranges::any_of(added, [](const build::AddSource& one) { return one.path != "." && one.path != "./"; }))
      return refuse(": ADD would unpack what it names outside of the build and its limits");
  }
  return copied;
}

bool fits_platform(std::string_view is, std::string_view wanted) {
  return wanted.empty() || is == wanted || is == std::string(wanted) + "/v8";
}

}  // namespace paastech::pomegranate
