#include "api/gateway.h"

#include "domain/policy.h"
#include "gateway.grpc.pb.h"
#include "rpc/server.h"
#include "store/clients.h"

namespace paastech::api {

namespace gateway = paastech::gateway::v1;

namespace {

// The full name of a commit: SHA-1 or SHA-256 in hexadecimal (gitformat-hash).
bool is_object_name(const std::string& text) {
  return (text.size() == 40 || text.size() == 64) && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// One answer for a missing Project, a foreign one, and a Client that is gone.
Result<store::ProjectRow> authorised(store::Tx& tx, const std::string& client_id, const std::string& name,
                                     Permission permission) {
  Actor actor;
  Result<store::ClientRow> client = store::find_client(tx, client_id);
  if (!client && client.error().code != Code::kNotFound) return std::unexpected(client.error());
  if (client) actor = {client->id, client->administrator, false};
  Result<store::ProjectRow> project = store::find_project(tx, name);
  if (!project && project.error().code != Code::kNotFound) return std::unexpected(project.error());
  const Resource resource = project ? Resource::project(project->owner_id, name) : Resource::missing_project(name);
  TRY(allow(actor, permission, resource));
  if (project->deleting) return fail(Code::kFailedPrecondition, "project " + project->name + " is being deleted");
  return project;
}

class GitGateway final : public gateway::GitGateway::CallbackService {
 public:
  GitGateway(net::TaskGroup& tasks, Context& context) : tasks_(tasks), context_(context) {}

  grpc::ServerUnaryReactor* IdentifyKey(grpc::CallbackServerContext* call, const gateway::IdentifyKeyRequest* request,
                                        gateway::Identity* reply) override {
    return rpc::unary(tasks_, call, identify(request->fingerprint()), reply);
  }
  grpc::ServerUnaryReactor* Authorize(grpc::CallbackServerContext* call, const gateway::AuthorizeRequest* request,
                                      gateway::Repository* reply) override {
    return rpc::unary(tasks_, call, authorize(*request), reply);
  }
  grpc::ServerWriteReactor<gateway::DeployEvent>* Deploy(grpc::CallbackServerContext* call,
                                                         const gateway::DeployRequest* request) override {
    auto work = [this, asked = *request](std::shared_ptr<rpc::Writer<gateway::DeployEvent>> writer) {
      return deploy(asked, writer);
    };
    return rpc::stream<gateway::DeployEvent>(tasks_, call, work);
  }

 private:
  net::Task<Result<gateway::Identity>> identify(std::string fingerprint) {
    auto find = [fingerprint](store::Tx& tx) -> Result<gateway::Identity> {
      TRY_ASSIGN(store::KeyRow key, store::find_key(tx, fingerprint));
      TRY_ASSIGN(store::ClientRow client, store::find_client(tx, key.client_id));
      gateway::Identity identity;
      identity.set_client_id(client.id);
      identity.set_username(client.username);
      identity.set_key_id(key.id);
      return identity;
    };
    Result<gateway::Identity> identity = co_await context_.database.read(std::move(find));
    co_return identity;
  }

  net::Task<Result<gateway::Repository>> authorize(gateway::AuthorizeRequest request) {
    auto decide = [request](store::Tx& tx) -> Result<gateway::Repository> {
      const Permission permission = request.write() ? Permission::kProjectPush : Permission::kProjectRead;
      TRY_ASSIGN(store::ProjectRow project, authorised(tx, request.client_id(), request.repository(), permission));
      gateway::Repository repository;
      repository.set_project_id(project.id);
      repository.set_project_name(project.name);
      return repository;
    };
    Result<gateway::Repository> repository = co_await context_.database.read(std::move(decide));
    co_return repository;
  }

  // The Deployment belongs to the controller: where the caller is gone, this only stops to follow it.
  net::Task<Status> deploy(gateway::DeployRequest request, std::shared_ptr<rpc::Writer<gateway::DeployEvent>> writer) {
    const std::int64_t began = context_.clock.now_ms();
    if (!is_object_name(request.commit()))
      co_return fail(Code::kInvalidArgument, "the commit is not named by its full object name");
    auto decide = [request](store::Tx& tx) {
      return authorised(tx, request.client_id(), request.project_id(), Permission::kProjectPush);
    };
    CO_TRY_ASSIGN(store::ProjectRow project, co_await context_.database.read(std::move(decide)));
    controller::Controller& controller = context_.controller;
    CO_TRY_ASSIGN(store::DeploymentRow queued,
                  co_await controller.deploy_commit(project.id, request.client_id(), request.commit()));
    CO_TRY_ASSIGN(std::unique_ptr<controller::Follower> follower,
                  co_await controller.follow(project.id, queued.number));
    while (true) {
      std::vector<std::string> lines = co_await follower->next();
      if (lines.empty()) break;
      for (std::string& line : lines) {
        gateway::DeployEvent event;
        event.set_line(std::move(line));
        bool written = co_await writer->write(std::move(event));
        if (!written) co_return Status{};
      }
    }
    CO_TRY_ASSIGN(store::DeploymentRow ended, co_await controller.wait(project.id, queued.number));
    gateway::DeployEvent last;
    *last.mutable_result() = result_of(ended, project);
    last.mutable_result()->set_took_ms(context_.clock.now_ms() - began);
    [[maybe_unused]] bool written = co_await writer->write(std::move(last));
    co_return Status{};
  }

  gateway::DeployResult result_of(const store::DeploymentRow& row, const store::ProjectRow& project) const {
    gateway::DeployResult result;
    result.set_number(row.number);
    // Superseded means that it went live, and that a newer one has followed since.
    const bool live = row.state == DeploymentState::kLive || row.state == DeploymentState::kSuperseded;
    result.set_live(live);
    result.set_url(application_url(project.name, context_.address));
    if (live) return result;
    result.set_reason(row.reason.empty() ? std::string(to_text(row.state)) : row.reason);
    result.set_message(row.message);
    result.set_hint("see it again: paastech deployments logs " + std::to_string(row.number) + " -p " + project.name);
    return result;
  }

  net::TaskGroup& tasks_;
  Context& context_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_gateway(net::TaskGroup& tasks, Context& context) {
  return std::make_unique<GitGateway>(tasks, context);
}

}  // namespace paastech::api
