// A build by gRPC: pumps the tree's tar from the git role to the Engine's build while the build's output comes back.
#include "controller/grpc_ports.h"
#include "rpc/client.h"

namespace paastech::controller {

using namespace std::chrono_literals;

namespace {

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

}  // namespace

net::Task<Result<engine::BuildResult>> GrpcEngine::build(engine::BuildSpec spec, Tree tree, OnLine on_line,
                                                         StopPtr stop) {
  auto upload = std::make_shared<Upload>(tasks_.executor());
  upload->call = std::make_shared<BuildCall>(stub_.async(), &engine::Pomegranate::Stub::async::Build,
                                             std::chrono::seconds(spec.timeout_seconds()) + kLostAnswer);
  upload->request.set_project_id(spec.project());
  upload->request.set_commit(tree.commit);
  upload->request.set_path(tree.path);
  const Ending ending(stop, [call = upload->call] { call->cancel(); });
  engine::BuildRequest first;
  *first.mutable_spec() = std::move(spec);
  const bool sent = co_await upload->call->write(first);
  if (sent)
    tasks_.spawn("upload", upload_tree(upload, repositories_));
  else
    upload->done = true;
  Result<engine::BuildResult> outcome = fail(Code::kInternal, "the build ended without a result");
  while (true) {
    Result<std::optional<engine::BuildEvent>> event = co_await upload->call->next();
    if (!event) outcome = std::unexpected(event.error());
    if (!event || !*event) break;
    if ((*event)->has_result())
      outcome = (*event)->result();
    else
      on_line((*event)->line());
  }
  while (!upload->done) co_await upload->ended.wait(1min);
  if (!upload->outcome) outcome = std::unexpected(upload->outcome.error());
  co_return outcome;
}

}  // namespace paastech::controller
