#include "api/gateway.h"

#include "api/audit.h"
#include "api/auth.h"
#include "api/login.h"
#include "api/text_out.h"
#include "api/usage.h"
#include "base/error.h"
#include "domain/policy.h"
#include "gateway.grpc.pb.h"
#include "rpc/server.h"
#include "store/members.h"

namespace paastech::api {

namespace gateway = paastech::gateway::v1;

namespace {

// The full name of a commit: SHA-1 or SHA-256 in hexadecimal (gitformat-hash).
bool is_object_name(const std::string& text) {
  return (text.size() == 40 || text.size() == 64) && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// One answer for a missing Project, a foreign one, and a Client that is gone.
Result<store::ProjectRow> authorised(store::Tx& tx, const std::string& client_id, const std::string& name,
                                     Permission permission, const AccountOptions& options) {
  Actor actor;
  Result<store::ClientRow> client = store::find_client(tx, client_id);
  if (!client && client.error().code != Code::kNotFound) return std::unexpected(client.error());
  if (client) actor = actor_of(*client, options);
  Result<store::ProjectRow> project = store::find_project(tx, name);
  if (!project && project.error().code != Code::kNotFound) return std::unexpected(project.error());
  Resource resource = Resource::missing_project(name);
  if (project) {
    TRY_ASSIGN(const Role role, store::role_in(tx, *project, client_id));
    resource = Resource::project(project->id, role, name);
  }
  TRY(allow(actor, permission, resource));
  if (project->deleting) return fail(Code::kFailedPrecondition, "project " + project->name + " is being deleted");
  if (permission == Permission::kProjectPush) {
    TRY_ASSIGN(const store::ClientRow owner, store::find_client(tx, project->owner_id));
    if (owner.suspended_at != 0)
      return fail(Code::kFailedPrecondition, "the account of the owner of project " + project->name + " is suspended",
                  "ask the administrator of this Service");
  }
  return project;
}

struct Judgement {
  Result<gateway::Repository> outcome;
  store::AuditRow audit;
  std::string owner_id = {};  // of the Project
};

void set_refusal(store::AuditRow& row, const Error& error) {
  const bool policy =
      error.code == Code::kPermissionDenied || error.code == Code::kNotFound || error.code == Code::kUnauthenticated;
  row.result = policy ? "denied" : "failed";
  row.detail = code_name(error.code);
}

// What the audit log says of a push that was let in or refused. As with requests, a Project's members do not read of
// strangers who only tried its name.
Result<store::AuditRow> audit_of(store::Tx& tx, const gateway::AuthorizeRequest& request, const Status& allowed) {
  store::AuditRow row;
  Result<store::ClientRow> client = store::find_client(tx, request.client_id());
  if (!client && client.error().code != Code::kNotFound) return std::unexpected(client.error());
  if (client) {
    row.actor_id = client->id;
    row.actor = client->username;
  }
  Result<store::ProjectRow> project = store::find_project(tx, request.repository());
  if (project) {
    TRY_ASSIGN(const Role role, store::role_in(tx, *project, request.client_id()));
    if (role != Role::kNone || (client && client->administrator)) row.project_id = project->id;
  }
  row.project = row.project_id.empty() ? safe_line(request.repository()) : project->name;
  row.address = safe_line(request.address());
  row.action = "git.push";
  row.object = safe_line(request.fingerprint());
  if (!allowed) set_refusal(row, allowed.error());
  return row;
}

Result<Judgement> judge(store::Tx& tx, const gateway::AuthorizeRequest& request, const AccountOptions& options) {
  const Permission permission = request.write() ? Permission::kProjectPush : Permission::kProjectRead;
  Result<store::ProjectRow> project = authorised(tx, request.client_id(), request.repository(), permission, options);
  const Status allowed = project ? Status() : Status(std::unexpected(project.error()));
  TRY_ASSIGN(store::AuditRow row, audit_of(tx, request, allowed));
  if (!project) return Judgement{std::unexpected(project.error()), std::move(row)};
  gateway::Repository repository;
  repository.set_project_id(project->id);
  repository.set_project_name(project->name);
  return Judgement{std::move(repository), std::move(row), project->owner_id};
}

net::Task<void> touch(Context& context, std::string key_id, std::int64_t now) {
  auto work = [key_id, now](store::Tx& tx) { return store::touch_key(tx, key_id, now); };
  Status touched = co_await context.database.write(std::move(work));
  if (!touched) spdlog::warn("noting a key's use: {}", touched.error().message);
}

class GitGateway final : public gateway::GitGateway::CallbackService {
 public:
  GitGateway(net::TaskGroup& tasks, Context& context) : tasks_(tasks), context_(context), audit_(context) {}

  grpc::ServerUnaryReactor* IdentifyKey(grpc::CallbackServerContext* call, const gateway::IdentifyKeyRequest* request,
                                        gateway::Identity* reply) override {
    return rpc::unary(tasks_, call, identify(*request), reply);
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
  net::Task<Result<gateway::Identity>> identify(gateway::IdentifyKeyRequest request) {
    const std::int64_t now = context_.clock.now_ms();
    using Found = std::pair<gateway::Identity, bool>;
    auto find = [request, now](store::Tx& tx) -> Result<Found> {
      TRY_ASSIGN(store::KeyRow key, store::find_key(tx, request.fingerprint()));
      TRY_ASSIGN(store::ClientRow client, store::find_client(tx, key.client_id));
      // Only who has shown to hold the key reads of its owner's suspension.
      if (request.authenticated()) TRY(may_log_in(client));
      gateway::Identity identity;
      identity.set_client_id(client.id);
      identity.set_username(client.username);
      identity.set_key_id(key.id);
      return Found{std::move(identity), request.authenticated() && now - key.last_used_at >= kTouchEveryMs};
    };
    CO_TRY_ASSIGN(Found found, co_await context_.database.read(std::move(find)));
    // Beside the answer: it must not wait for a locked database.
    if (found.second) context_.tasks.spawn("key use", touch(context_, found.first.key_id(), now));
    co_return std::move(found.first);
  }

  // A push is in the audit log before its first byte is taken.
  net::Task<Result<gateway::Repository>> authorize(gateway::AuthorizeRequest request) {
    auto decide = [this, request](store::Tx& tx) { return judge(tx, request, context_.accounts); };
    CO_TRY_ASSIGN(Judgement judgement, co_await context_.database.read(std::move(decide)));
    if (judgement.outcome && request.write()) {
      Status room;
      if (request.again()) {
        room = co_await check_disk(context_, judgement.owner_id);
      } else {
        room = co_await limit_push(&judgement);
      }
      if (!room) {
        set_refusal(judgement.audit, room.error());
        judgement.outcome = std::unexpected(room.error());
      }
    }
    if (judgement.outcome && request.write() && !request.again()) co_await audit_.made(std::move(judgement.audit));
    if (!judgement.outcome && request.write()) audit_.refused(std::move(judgement.audit));
    co_return std::move(judgement.outcome);
  }

  // By what the plan of the Project's owner leaves of the disk.
  net::Task<Status> limit_push(Judgement* judgement) {
    CO_TRY_ASSIGN(const std::optional<PushAllowance> left, co_await push_allowance(context_, judgement->owner_id));
    if (!left) co_return Status{};
    gateway::Repository& repository = *judgement->outcome;
    repository.set_max_push_bytes(left->bytes);
    repository.set_too_large(left->beyond.message);
    repository.set_too_large_hint(left->beyond.hint);
    co_return Status{};
  }

  // What git had in quarantine goes with it, so that no branch could ever name what would serve. One that is live
  // already stays.
  net::Task<void> give_up(std::string project_id, std::int64_t number) {
    spdlog::warn("the git role is gone before deployment {} of project {} has ended, which is cancelled", number,
                 project_id);
    const Status cancelled = co_await context_.controller.cancel(project_id, number);
    if (!cancelled) spdlog::info("deployment {} of project {}: {}", number, project_id, cancelled.error().message);
  }

  // The git role stays to the end, also where its Client does not.
  net::Task<Status> deploy(gateway::DeployRequest request, std::shared_ptr<rpc::Writer<gateway::DeployEvent>> writer) {
    const std::int64_t began = context_.clock.steady_ms();
    if (!is_object_name(request.commit()))
      co_return fail(Code::kInvalidArgument, "the commit is not named by its full object name");
    auto decide = [this, request](store::Tx& tx) {
      return authorised(tx, request.client_id(), request.project_id(), Permission::kProjectPush, context_.accounts);
    };
    CO_TRY_ASSIGN(store::ProjectRow project, co_await context_.database.read(std::move(decide)));
    CO_TRY(co_await check_disk(context_, project.owner_id));
    controller::Controller& controller = context_.controller;
    CO_TRY_ASSIGN(store::DeploymentRow queued,
                  co_await controller.deploy_commit(project.id, request.client_id(), request.commit()));
    // Seen by what comes first: the end of the call, or a line that it does not take any more.
    const std::function<void()> gone = [this, id = project.id, number = queued.number,
                                        told = std::make_shared<bool>(false)] {
      if (!std::exchange(*told, true)) tasks_.spawn("deployment without its push", give_up(id, number));
    };
    writer->on_cancel(gone);
    CO_TRY_ASSIGN(std::unique_ptr<controller::Follower> follower,
                  co_await controller.follow(project.id, queued.number));
    while (true) {
      std::vector<std::string> lines = co_await follower->next();
      if (lines.empty()) break;
      for (std::string& line : lines) {
        gateway::DeployEvent event;
        event.set_line(std::move(line));
        bool written = co_await writer->write(std::move(event));
        if (written) continue;
        gone();
        co_return Status{};
      }
    }
    CO_TRY_ASSIGN(store::DeploymentRow ended, co_await controller.wait(project.id, queued.number));
    gateway::DeployEvent last;
    *last.mutable_result() = result_of(ended, project);
    last.mutable_result()->set_took_ms(context_.clock.steady_ms() - began);
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
  Audit audit_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_gateway(net::TaskGroup& tasks, Context& context) {
  return std::make_unique<GitGateway>(tasks, context);
}

}  // namespace paastech::api
