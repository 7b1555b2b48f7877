// The images that a Dockerfile builds on, fetched and looked at before the builder begins. It would fetch them itself,
// but then run their triggers at once, unseen: with the Engine's own reach (threat 6) and onto other Projects' images
// (threat 7). A name that was looked at is never fetched anew; left to the builder is only a trigger's `--from=NAME`
// that may be a stage's, and else is the Hub's.
#include "docker/system.h"
#include "pomegranate/base_images.h"
#include "pomegranate/build_output.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/image_rules.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

std::unexpected<Error> stopped() { return fail(Code::kCancelled, "the build was stopped"); }

// Names the FROM in what is wrong with its image.
Error at_line(const BaseImage& image, const Error& error) {
  const std::string whose = image.trigger_of.empty() ? "" : ", which a trigger of " + image.trigger_of + " needs";
  return {error.code,
          fmt::format("Dockerfile line {}: the image {}{}: {}", image.line, image.reference, whose, error.message),
          error.hint};
}

}  // namespace

// A name that is not found here may be found by the Engine a moment later, at an address that nobody has looked at;
// only a proxy of the operator's, which has rules of its own, is left to look it up.
net::Task<Status> DockerEngine::check_registry(std::string reference) {
  Status fine = co_await check_registry_source(reference, options_.registries);
  if (fine || fine.error().code != Code::kFailedPrecondition) co_return fine;
  CO_TRY_ASSIGN(const docker::SystemInfo engine, co_await docker::system_info(client_));
  co_return engine.proxied ? Status() : fine;
}

net::Task<Result<docker::ImageDetails>> DockerEngine::ready_image(BaseImage image, SinkPtr<v1::BuildEvent> sink,
                                                                  std::shared_ptr<Fetch> fetch) {
  Result<docker::ImageDetails> details = co_await docker::inspect_image(client_, image.reference);
  if (!details && details.error().code == Code::kNotFound) {
    const Status permitted = co_await check_registry(image.reference);
    if (!permitted) co_return std::unexpected(at_line(image, permitted.error()));
    CO_TRY(co_await fetch_image(image, sink, fetch));
    details = co_await docker::inspect_image(client_, image.reference);
  }
  if (fetch->stopped) co_return stopped();
  co_return details;
}

net::Task<Status> DockerEngine::ready_base_images(std::vector<BaseImage> images, std::string project,
                                                  SinkPtr<v1::BuildEvent> sink, std::shared_ptr<Fetch> fetch) {
  for (const BaseImage& image : images) {
    CO_TRY_ASSIGN(const docker::ImageDetails details, co_await ready_image(image, sink, fetch));
    if (image.copied_from) continue;
    // The builder would fetch it anew, over the name that was looked at.
    if (!fits_platform(details.platform, image.platform))
      co_return fail(Code::kInvalidArgument,
                     fmt::format("Dockerfile line {}: the image {} on this Service is for {}, not for {}", image.line,
                                 image.reference, details.platform, image.platform),
                     "remove --platform, or name an image of that platform by its digest");
    const Status bounds = check_image_bounds(details);
    if (!bounds) co_return std::unexpected(at_line(image, bounds.error()));
    Result<std::vector<BaseImage>> triggers = check_triggers(details, project, options_.registries);
    if (!triggers) co_return std::unexpected(at_line(image, triggers.error()));
    for (BaseImage& copied : *triggers) {
      copied.line = image.line;
      copied.trigger_of = image.reference;
      CO_TRY(co_await ready_image(copied, sink, fetch));
    }
  }
  co_return Status{};
}

// One fetch of a name at a time, and none of one that is there: what another build has looked at must stay what it is.
net::Task<Status> DockerEngine::fetch_image(BaseImage image, SinkPtr<v1::BuildEvent> sink,
                                            std::shared_ptr<Fetch> fetch) {
  const PullName name = pull_name(image.reference);
  while (fetching_.contains(name.text())) {
    co_await fetched_.wait(1s);
    if (fetch->stopped) co_return stopped();
  }
  const Fetching mine(fetching_, name.text(), fetched_);
  const auto there = co_await docker::inspect_image(client_, image.reference);
  if (there) co_return Status{};
  // What a digest names the Engine may have at hand, from a fetch with another Client's password.
  if (name.tag.starts_with("sha256:")) {
    const auto shown = co_await ask_registry(name.name + "@" + name.tag, "", fetch);
    if (!shown && shown.error().code != Code::kFailedPrecondition) co_return std::unexpected(shown.error());
    if (!shown)
      co_return fail(Code::kFailedPrecondition, explain_build_failure(shown.error().message, 0, false, 0).message);
  }
  CO_TRY_ASSIGN(auto opened, co_await docker::open_pull(client_, name.name, name.tag, image.platform));
  const Status fetched = co_await read_pull(std::move(opened), sink, fetch);
  if (fetched || fetched.error().code != Code::kFailedPrecondition) co_return fetched;
  const BuildFailure why = explain_build_failure(fetched.error().message, 0, false, 0);
  co_return fail(Code::kFailedPrecondition, why.message);
}

// kFailedPrecondition: the Engine could not fetch it; the text is its own.
net::Task<Status> DockerEngine::read_pull(std::shared_ptr<net::HttpExchange> exchange, SinkPtr<v1::BuildEvent> sink,
                                          std::shared_ptr<Fetch> fetch) {
  if (fetch->stopped) co_return stopped();
  fetch->exchange = exchange;
  BuildOutput output;
  const Status head = co_await client_->check_head(exchange.get(), 0s);
  if (fetch->stopped) co_return stopped();
  if (!head && head.error().code == Code::kUnavailable) co_return head;
  bool more = head.has_value();
  while (more) {
    const Result<std::string> read = co_await exchange->read();
    if (fetch->stopped) co_return stopped();
    if (!read) co_return std::unexpected(client_->lost(read.error()));
    const std::string& piece = *read;
    more = !piece.empty();
    if (more)
      output.add(piece);
    else
      output.finish();
    const std::vector<std::string> lines = output.take_lines();
    for (const std::string& line : lines) {
      v1::BuildEvent event;
      event.set_line(line);
      const bool told = co_await sink->put(std::move(event));
      if (!told) co_return stopped();
    }
  }
  if (head && output.error().empty()) co_return Status{};
  co_return fail(Code::kFailedPrecondition, head ? output.error() : head.error().message);
}

}  // namespace paastech::pomegranate
