// An image from a registry as that of a Deployment. It is fetched by the digest that the registry names to this Client
// now, and keeps no name but that of its Deployment. So no name that a build has looked at moves to another image, and
// nobody gets an image that another Client's password fetched: the registry is asked each time, also for what is there.
#include "base/text.h"
#include "pomegranate/build_output.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/image_rules.h"
#include "pomegranate/utf8.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kPullSeconds = 900;
constexpr std::size_t kMaxCredential = 4096;  // tokens of cloud registries have some 2,000 characters

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [text](std::string_view part) { return has(text, part); });
}

Status check_request(const v1::PullImageRequest& request) {
  TRY(check_project(request.project()));
  if (request.deployment() < 1) return fail(Code::kInvalidArgument, "a deployment's number is 1 or more");
  if (request.username().size() > kMaxCredential || request.password().size() > kMaxCredential)
    return fail(Code::kInvalidArgument, "the user name or the password of the registry is too long");
  return {};
}

v1::BuildEvent refused(std::string reason, const std::string& message) {
  v1::BuildEvent event;
  event.mutable_result()->set_reason(std::move(reason));
  event.mutable_result()->set_message(valid_utf8(message));
  return event;
}

std::string without(std::string text, const std::string& secret) {
  if (secret.empty()) return text;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
  return text;
}

}  // namespace

std::string explain_pull_failure(std::string_view error, std::string_view reference, bool with_password) {
  const std::string text = valid_utf8(error);
  const std::string image(reference);
  if (has_any(error, {"unauthorized", "no basic auth credentials", "denied", "authentication required", "forbidden"}))
    return with_password
               ? "the registry does not accept this user name and password for " + image +
                     "; check both, and that the user may read it: " + text
               : "the registry shows " + image + " only to those it knows; give a user name and a password: " + text;
  if (has_any(error, {"manifest unknown", "name unknown", "not found", "repository name not known"}))
    return "the registry has no image " + image + "; check its name and tag: " + text;
  if (has(error, "no space left on device")) return "the disk is full; ask the administrator to free space";
  if (has_any(error, {"no matching manifest", "does not match the specified platform"}))
    return "the image " + image + " is not made for this machine's kind of processor: " + text;
  if (has_any(error, {"server gave HTTP response to HTTPS client", "x509", "tls:", "certificate"}))
    return "the registry of " + image + " does not speak HTTPS with a certificate that this Service trusts: " + text;
  if (has_any(error, {"dial tcp", "no such host", "i/o timeout", "request canceled", "connection refused", "EOF",
                      "TLS handshake", "connection reset"}))
    return "the registry of " + image + " cannot be reached; check its name, and try again later: " + text;
  return "the image " + image + " cannot be fetched: " + text;
}

net::Task<Status> DockerEngine::pull_image(v1::PullImageRequest request, SinkPtr<v1::BuildEvent> sink) {
  CO_TRY(check_request(request));
  auto fetch = std::make_shared<Fetch>();
  sink->on_gone([fetch] { fetch->stop(); });
  const std::int64_t seconds = request.timeout_seconds() > 0 ? request.timeout_seconds() : kPullSeconds;
  const auto late = std::make_shared<bool>(false);
  net::asio::steady_timer deadline(tasks_.executor(), std::chrono::seconds(seconds));
  deadline.async_wait([late, weak = std::weak_ptr(fetch)](const boost::system::error_code& cancelled) {
    const auto alive = weak.lock();
    if (!alive || cancelled) return;
    *late = true;
    alive->stop();
  });
  Result<v1::BuildResult> pulled = co_await fetch_and_name(request, sink, fetch);
  deadline.cancel();
  if (sink->gone()) co_return fail(Code::kCancelled, "the fetching of the image was cancelled");
  v1::BuildEvent last;
  if (*late)
    last = refused("timeout", fmt::format("fetching the image took longer than its limit of {} s", seconds));
  else if (pulled)
    *last.mutable_result() = std::move(*pulled);
  else if (pulled.error().code == Code::kInvalidArgument)
    last = refused("invalid_image", with_hint(pulled.error()));
  else if (pulled.error().code == Code::kFailedPrecondition)
    last =
        refused("pull_failed",
                without(explain_pull_failure(pulled.error().message, request.reference(), !request.username().empty()),
                        request.password()));
  else
    co_return std::unexpected(pulled.error());
  [[maybe_unused]] const bool told = co_await sink->put(std::move(last));
  co_return Status{};
}

// kInvalidArgument: an image that may not be; kFailedPrecondition: the registry's or the Engine's own words why not.
net::Task<Result<v1::BuildResult>> DockerEngine::fetch_and_name(v1::PullImageRequest request,
                                                                SinkPtr<v1::BuildEvent> sink,
                                                                std::shared_ptr<Fetch> fetch) {
  CO_TRY(check_foreign_image(request.reference(), options_.registries));
  CO_TRY(co_await check_registry(request.reference()));
  const PullName wanted = pull_name(request.reference());
  const std::string authority =
      docker::registry_authority(request.username(), request.password(), registry_of(request.reference()));
  const bool digested = wanted.tag.starts_with("sha256:");
  CO_TRY_ASSIGN(const std::string digest,
                co_await ask_registry(wanted.name + (digested ? "@" : ":") + wanted.tag, authority, fetch));
  const std::string pinned = wanted.name + "@" + digest;
  while (fetching_.contains(pinned)) {
    co_await fetched_.wait(1s);
    if (fetch->stopped) co_return fail(Code::kCancelled, "stopped");
  }
  const Fetching mine(fetching_, pinned, fetched_);
  const auto before = co_await docker::inspect_image(client_, pinned);
  if (!before && before.error().code == Code::kUnavailable) co_return std::unexpected(before.error());
  if (!before) {
    CO_TRY_ASSIGN(auto opened, co_await docker::open_pull(client_, wanted.name, digest, "", authority));
    CO_TRY(co_await read_pull(std::move(opened), sink, fetch));
  }
  Result<v1::BuildResult> named = co_await name_image(pinned, request.project(), request.deployment());
  // The name by its digest goes, unless it was there before: it would let a FROM have the image without a password.
  if (!before) {
    const Status removed = co_await docker::remove_image(client_, pinned);
    if (!removed) spdlog::info("image {} keeps its name: {}", pinned, removed.error().message);
  }
  co_return named;
}

net::Task<Result<std::string>> DockerEngine::ask_registry(std::string reference, std::string authority,
                                                          std::shared_ptr<Fetch> fetch) {
  Result<std::string> digest = co_await docker::registry_digest(client_, reference, authority);
  if (fetch->stopped) co_return fail(Code::kCancelled, "stopped");
  if (!digest && digest.error().code == Code::kUnavailable) co_return std::unexpected(digest.error());
  if (!digest) co_return fail(Code::kFailedPrecondition, digest.error().message);
  if (!digest->starts_with("sha256:")) co_return fail(Code::kFailedPrecondition, "the registry names no digest of it");
  co_return digest;
}

net::Task<Result<v1::BuildResult>> DockerEngine::name_image(std::string pinned, std::string project,
                                                            std::int64_t deployment) {
  CO_TRY_ASSIGN(const docker::ImageDetails image, co_await docker::inspect_image(client_, pinned));
  CO_TRY(check_image_bounds(image));
  const std::string reference = image_reference(project, deployment);
  const std::size_t colon = reference.rfind(':');
  CO_TRY(co_await docker::tag_image(client_, image.id, reference.substr(0, colon), reference.substr(colon + 1)));
  v1::BuildResult result;
  result.set_ok(true);
  result.set_image(reference);
  result.set_exposed_port(single_port(image.exposed));
  co_return result;
}

}  // namespace paastech::pomegranate
