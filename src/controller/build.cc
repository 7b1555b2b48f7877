// From a pushed commit to an image: reads paastech.yaml through the git role, then pumps the tree's tar from the git
// role to the Engine's build while the build's output goes to the feed.
#include <exception>

#include "build/manifest.h"
#include "controller/deployment_controller.h"
#include "domain/quota.h"
#include "rpc/client.h"
#include "store/build_usage.h"
#include "store/usage.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view kManifestName = "paastech.yaml";
constexpr auto kLostAnswer = 5min;  // beyond the build's own limit

using BuildCall = rpc::DuplexStream<engine::BuildRequest, engine::BuildEvent>;

struct Upload {
  explicit Upload(net::Executor executor) : ended(std::move(executor)) {}
  net::Notifier ended;
  std::shared_ptr<BuildCall> call;
  repos::ArchiveRequest request;
  Status outcome = {};
  bool done = false;
};

// Runs beside the reader of the build's events.
net::Task<void> upload_tree(std::shared_ptr<Upload> upload, repos::Repositories::Stub& repositories) {
  rpc::ReadStream<repos::ArchiveChunk> chunks(repositories.async(), &repos::Repositories::Stub::async::Archive,
                                              upload->request);
  while (true) {
    Result<std::optional<repos::ArchiveChunk>> chunk = co_await chunks.next();
    if (!chunk) {
      upload->outcome = std::unexpected(chunk.error());
      upload->call->cancel();
      break;
    }
    if (!*chunk) {
      [[maybe_unused]] bool told = co_await upload->call->writes_done();
      break;
    }
    engine::BuildRequest part;
    part.set_tar(std::move(*(*chunk)->mutable_data()));
    const bool sent = co_await upload->call->write(part);
    if (!sent) break;  // the build has ended; its result says why
  }
  upload->done = true;
  upload->ended.notify();
}

const repos::TreeFile* file_named(const repos::ReadFilesReply& reply, std::string_view path) {
  for (const repos::TreeFile& file : reply.files())
    if (file.path() == path) return &file;
  return nullptr;
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

net::Task<Status> DeploymentController::read_manifest(RolloutPtr rollout, std::string& dockerfile,
                                                      std::string& context) {
  repos::ReadFilesRequest request;
  request.set_project_id(rollout->row.project_id);
  request.set_commit(rollout->row.commit);
  request.add_paths(std::string(kManifestName));
  request.add_paths("Dockerfile");
  CO_TRY_ASSIGN(repos::ReadFilesReply tree,
                co_await rpc::call<repos::ReadFilesReply>(ports_.repositories.async(),
                                                          &repos::Repositories::Stub::async::ReadFiles, request, 30s));
  rollout->row.commit_subject = tree.subject().substr(0, 200);
  Manifest manifest;
  const repos::TreeFile* file = file_named(tree, kManifestName);
  if (file && file->kind() != "missing") {
    Result<Manifest> parsed =
        fail(Code::kInvalidArgument, "paastech.yaml is a " + file->kind() + ", but must be a small regular file");
    if (file->kind() == "file") parsed = build::parse_manifest(file->content());
    if (!parsed) {
      rollout->row.reason = "invalid_manifest";
      co_return std::unexpected(std::move(parsed).error());
    }
    manifest = std::move(*parsed);
  }
  if (manifest.dockerfile != "Dockerfile") {
    request.clear_paths();
    request.add_paths(manifest.dockerfile);
    CO_TRY_ASSIGN(tree, co_await rpc::call<repos::ReadFilesReply>(
                            ports_.repositories.async(), &repos::Repositories::Stub::async::ReadFiles, request, 30s));
  }
  Status checked = check_dockerfile(file_named(tree, manifest.dockerfile), manifest.dockerfile);
  if (!checked) {
    rollout->row.reason = "no_dockerfile";
    co_return checked;
  }
  rollout->row.processes = build::processes_to_json(manifest.processes);
  rollout->row.port = manifest.processes["web"].port;  // 0: the image's EXPOSE decides after the build
  dockerfile = inside_context(manifest.dockerfile, manifest.context);
  context = manifest.context == "." ? "" : manifest.context;
  co_return Status{};
}

net::Task<Status> DeploymentController::build(RolloutPtr rollout) {
  std::string dockerfile;
  std::string context;
  CO_TRY(co_await read_manifest(rollout, dockerfile, context));
  const std::string client = rollout->project.owner_id;
  bool said = false;
  while (rollout->cancelled.empty() && !places_.try_take(client)) {
    if (!std::exchange(said, true)) rollout->feed->add("==> Waiting for a place to build");
    co_await places_.wait_for_change();
  }
  if (!rollout->cancelled.empty()) co_return fail(Code::kCancelled, rollout->cancelled);
  std::int64_t began = 0;  // 0: it did not
  Status built = fail(Code::kInternal, "the build ended without a reason");
  std::exception_ptr broken;
  try {
    built = co_await admit_build(rollout);
    if (built) {
      began = ports_.clock.now_ms();
      rollout->feed->add("==> Building " + rollout->row.commit.substr(0, 10) + " with " + dockerfile);
      built = co_await run_build(rollout, dockerfile, context);
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

net::Task<Status> DeploymentController::run_build(RolloutPtr rollout, std::string dockerfile, std::string context) {
  auto upload = std::make_shared<Upload>(tasks_.executor());
  upload->call = std::make_shared<BuildCall>(ports_.pomegranate.async(), &engine::Pomegranate::Stub::async::Build,
                                             std::chrono::seconds(options_.build_timeout_s) + kLostAnswer);
  upload->request.set_project_id(rollout->row.project_id);
  upload->request.set_commit(rollout->row.commit);
  upload->request.set_path(context);
  const Stoppable stoppable(rollout, [call = upload->call] { call->cancel(); });
  engine::BuildRequest first;
  engine::BuildSpec& spec = *first.mutable_spec();
  spec.set_project(rollout->row.project_id);
  spec.set_deployment(rollout->row.number);
  spec.set_dockerfile(dockerfile);
  spec.set_timeout_seconds(options_.build_timeout_s);
  spec.mutable_limits()->set_memory_bytes(options_.build_memory_bytes);
  for (std::int64_t back = 1; back <= 5 && rollout->row.number - back > 0; ++back)
    spec.add_cache_from(fmt::format("paastech/{}:{}", rollout->row.project_id, rollout->row.number - back));
  const bool sent = co_await upload->call->write(first);
  if (sent)
    tasks_.spawn("upload", upload_tree(upload, ports_.repositories));
  else
    upload->done = true;

  Status outcome = fail(Code::kInternal, "the build ended without a result");
  while (true) {
    Result<std::optional<engine::BuildEvent>> event = co_await upload->call->next();
    if (!event) outcome = std::unexpected(event.error());
    if (!event || !*event) break;
    const engine::BuildEvent& got = **event;
    if (!got.has_result()) {
      rollout->feed->add("    " + got.line());
      continue;
    }
    const engine::BuildResult& result = got.result();
    if (result.ok()) {
      rollout->row.image = result.image();
      if (rollout->row.port == 0) rollout->row.port = result.exposed_port() > 0 ? result.exposed_port() : 80;
      outcome = Status{};
    } else {
      rollout->row.reason = result.reason();
      outcome = fail(Code::kFailedPrecondition, result.message());
    }
  }
  while (!upload->done) co_await upload->ended.wait(1min);
  if (!upload->outcome) outcome = upload->outcome;
  co_return outcome;
}

}  // namespace paastech::controller
