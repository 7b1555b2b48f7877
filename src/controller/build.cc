// From a pushed commit to an image: reads paastech.yaml and Procfile through the git role, waits for a place, and has
// the Engine build while the output goes to the feed.
#include <exception>

#include "base/failpoint.h"
#include "base/text.h"
#include "build/manifest.h"
#include "controller/deployment_controller.h"
#include "domain/process_json.h"
#include "domain/quota.h"
#include "store/build_usage.h"
#include "store/usage.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kManifestName = "paastech.yaml";
constexpr std::string_view kProcfileName = "Procfile";
constexpr std::string_view kIgnoreName = ".dockerignore";
constexpr int kBuildTries = 3;  // where the Engine itself came to nothing, by what others did meanwhile

const repos::TreeFile* file_named(const repos::ReadFilesReply& reply, std::string_view path) {
  for (const repos::TreeFile& file : reply.files())
    if (file.path() == path) return &file;
  return nullptr;
}

// The text of a file; none where there is none.
Result<std::optional<std::string_view>> text_of(const repos::ReadFilesReply& tree, std::string_view name) {
  const repos::TreeFile* file = file_named(tree, name);
  if (!file || file->kind() == "missing") return std::nullopt;
  if (file->kind() == "file") return file->content();
  return fail(Code::kInvalidArgument,
              std::string(name) + " is a " + file->kind() + ", but must be a small regular file",
              "commit a regular file of at most 256 KiB in its place");
}

Result<Manifest> manifest_in(const repos::ReadFilesReply& tree) {
  TRY_ASSIGN(const std::optional<std::string_view> yaml, text_of(tree, kManifestName));
  TRY_ASSIGN(const std::optional<std::string_view> procfile, text_of(tree, kProcfileName));
  return build::manifest_of(yaml, procfile);
}

Status check_dockerfile(const repos::TreeFile* file, const std::string& path) {
  const std::string kind = file ? file->kind() : "missing";
  if (kind == "file" || kind == "too_large") return {};
  if (kind == "missing" && path == "Dockerfile")
    return fail(Code::kFailedPrecondition, "there is no Dockerfile at the root of the repository",
                "add a file named Dockerfile there, or name another in paastech.yaml: build: {dockerfile: PATH}");
  if (kind == "missing")
    return fail(Code::kFailedPrecondition, "paastech.yaml names " + path + " as Dockerfile, but there is no such file",
                "correct build.dockerfile, or commit that file");
  return fail(Code::kFailedPrecondition, path + " is a " + kind + ", but must be a regular file",
              "commit the Dockerfile itself in its place");
}

// dockerfile and context are relative to the root; the builder wants the Dockerfile relative to the context.
std::string inside_context(const std::string& dockerfile, const std::string& context) {
  return context.empty() || context == "." ? dockerfile : dockerfile.substr(context.size() + 1);
}

}  // namespace

net::Task<Result<DeploymentController::BuildSource>> DeploymentController::read_manifest(RolloutPtr rollout) {
  repos::ReadFilesRequest request;
  request.set_project_id(rollout->row.project_id);
  request.set_commit(rollout->row.commit);
  request.add_paths(std::string(kManifestName));
  request.add_paths(std::string(kProcfileName));
  request.add_paths("Dockerfile");
  request.add_paths(std::string(kIgnoreName));
  request.add_paths("Dockerfile" + std::string(kIgnoreName));
  CO_TRY_ASSIGN(repos::ReadFilesReply tree, co_await ports_.repositories.read_files(request));
  rollout->row.commit_subject = std::string(first_bytes(tree.subject(), 200));
  Result<Manifest> parsed = manifest_in(tree);
  if (!parsed) {
    rollout->row.reason = "invalid_manifest";
    co_return std::unexpected(std::move(parsed).error());
  }
  Manifest manifest = std::move(*parsed);
  BuildSource source{.context = manifest.context == "." ? "" : manifest.context,
                     .dockerfile = inside_context(manifest.dockerfile, manifest.context)};
  const std::string own_ignore = manifest.dockerfile + std::string(kIgnoreName);
  const std::string ignore = (source.context.empty() ? "" : source.context + "/") + std::string(kIgnoreName);
  if (manifest.dockerfile != "Dockerfile" || ignore != kIgnoreName) {
    request.clear_paths();
    request.add_paths(manifest.dockerfile);
    request.add_paths(ignore);
    request.add_paths(own_ignore);
    CO_TRY_ASSIGN(tree, co_await ports_.repositories.read_files(request));
  }
  Status checked = check_dockerfile(file_named(tree, manifest.dockerfile), manifest.dockerfile);
  if (!checked) {
    rollout->row.reason = "no_dockerfile";
    co_return std::unexpected(std::move(checked).error());
  }
  // The Dockerfile's own comes before the context's (docs.docker.com, "Build context").
  Result<std::optional<std::string_view>> ignored = text_of(tree, own_ignore);
  if (ignored && !*ignored) ignored = text_of(tree, ignore);
  if (!ignored) {
    rollout->row.reason = "invalid_dockerfile";
    co_return std::unexpected(std::move(ignored).error());
  }
  source.ignore = std::string(ignored->value_or(""));
  rollout->row.processes = process_list_to_json(manifest.run);
  const auto web = manifest.run.processes.find("web");
  rollout->row.port = web == manifest.run.processes.end() ? 0 : web->second.port;  // 0: the image's EXPOSE decides
  co_return source;
}

net::Task<Status> DeploymentController::build(RolloutPtr rollout) {
  CO_TRY_ASSIGN(BuildSource source, co_await read_manifest(rollout));
  const std::string client = rollout->project.owner_id;
  std::function<void()> on_wait = [feed = rollout->feed] { feed->add("==> Waiting for a place to build"); };
  const bool mine = co_await places_.take(client, rollout->stop, std::move(on_wait));
  if (!mine) co_return rollout->still_wanted();
  std::int64_t began = 0;  // 0: it did not
  Status built = fail(Code::kInternal, "the build ended without a reason");
  std::exception_ptr broken;
  try {
    built = co_await admit_build(rollout);
    if (built) built = co_await admit_disk(rollout);
    if (built) {
      began = ports_.clock.now_ms();
      rollout->feed->add("==> Building " + rollout->row.commit.substr(0, 10) + " with " + source.dockerfile);
      built = co_await run_build(rollout, std::move(source));
    }
  } catch (...) {
    broken = std::current_exception();
  }
  places_.release(client);
  if (began > 0) co_await note_build(client, began);
  if (broken) std::rethrow_exception(broken);
  co_return built;
}

net::Task<Status> DeploymentController::admit_build(RolloutPtr rollout) {
  const std::string month = month_of(ports_.clock.now_ms());
  auto ask = [owner = rollout->project.owner_id, month](store::Tx& tx) { return store::admit_build(tx, owner, month); };
  Status admitted = co_await ports_.database.read_at_last(std::move(ask));
  if (!admitted && admitted.error().code == Code::kPermissionDenied) rollout->row.reason = "quota";
  co_return admitted;
}

// Every build counts, also one that failed: its time was spent.
net::Task<void> DeploymentController::note_build(std::string client_id, std::int64_t began_ms) {
  const std::int64_t took = std::max<std::int64_t>(ports_.clock.now_ms() - began_ms, 0);  // it may be set back
  auto add = [client_id, month = month_of(began_ms), took](store::Tx& tx) {
    return store::add_build_time(tx, client_id, month, took);
  };
  Status added = co_await ports_.database.write_at_last(std::move(add));
  if (!added) spdlog::warn("counting {} ms of build time of client {}: {}", took, client_id, added.error().message);
}

net::Task<Status> DeploymentController::run_build(RolloutPtr rollout, BuildSource source) {
  engine::BuildSpec spec;
  spec.set_project(rollout->row.project_id);
  spec.set_deployment(rollout->row.number);
  spec.set_dockerfile(source.dockerfile);
  spec.set_dockerignore(std::move(source.ignore));
  spec.set_timeout_seconds(options_.build_timeout_s);
  spec.mutable_limits()->set_memory_bytes(options_.build_memory_bytes);
  for (std::int64_t back = 1; back <= 5 && rollout->row.number - back > 0; ++back)
    spec.add_cache_from(fmt::format("paastech/{}:{}", rollout->row.project_id, rollout->row.number - back));
  const OnLine on_line = [feed = rollout->feed](const std::string& line) { feed->add("    " + line, "build"); };
  PAASTECH_FAILPOINT("build.begins");
  Tree tree{rollout->row.commit, source.context};
  engine::BuildResult result;
  for (int left = kBuildTries; left > 0; --left) {
    CO_TRY_ASSIGN(result, co_await ports_.engine.build(spec, tree, on_line, rollout->stop));
    if (result.reason() != "image_removed" || left == 1) break;
    CO_TRY(rollout->still_wanted());
    rollout->feed->add("==> Building again: an image that the cache led to was removed meanwhile");
  }
  if (!result.ok()) {
    rollout->row.reason = result.reason();
    co_return fail(Code::kFailedPrecondition, result.message());
  }
  PAASTECH_FAILPOINT("build.done");
  rollout->row.image = result.image();
  if (rollout->row.port == 0) rollout->row.port = result.exposed_port() > 0 ? result.exposed_port() : 80;
  co_return Status{};
}

}  // namespace paastech::controller
