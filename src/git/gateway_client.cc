#include "git/gateway_client.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>

#include "base/failpoint.h"
#include "rpc/status.h"

namespace paastech::git {
namespace wire = gateway::v1;
namespace {

constexpr std::chrono::seconds kDeadline(10);

Error explain(const grpc::Status& status) {
  Error error = rpc::from_grpc(status);
  if (error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded)
    return {Code::kUnavailable, "the Service's API does not answer at the moment; nothing was changed",
            "try again in a moment; if it stays so, tell the administrator"};
  return error;
}

}  // namespace

// A context that stop() can reach.
class GatewayClient::Call {
 public:
  explicit Call(GatewayClient& client) : client_(client) {
    const std::scoped_lock lock(client_.mutex_);
    client_.running_.insert(&context);
    if (client_.stopped_) context.TryCancel();
  }
  ~Call() {
    const std::scoped_lock lock(client_.mutex_);
    client_.running_.erase(&context);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  grpc::ClientContext context;

 private:
  GatewayClient& client_;
};

Result<wire::Identity> GatewayClient::identify(const std::string& fingerprint, bool authenticated) {
  Call call(*this);
  call.context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  wire::IdentifyKeyRequest request;
  request.set_fingerprint(fingerprint);
  request.set_authenticated(authenticated);
  wire::Identity identity;
  const grpc::Status status = stub_->IdentifyKey(&call.context, request, &identity);
  if (!status.ok()) return std::unexpected(explain(status));
  return identity;
}

Result<wire::Repository> GatewayClient::authorize(const wire::AuthorizeRequest& request) {
  Call call(*this);
  call.context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  wire::Repository answer;
  const grpc::Status status = stub_->Authorize(&call.context, request, &answer);
  if (status.ok()) return answer;
  if (status.error_code() == grpc::StatusCode::NOT_FOUND)
    return fail(Code::kNotFound,
                fmt::format("project '{}' does not exist, or you have no access to it", request.repository()),
                "see your projects with: paastech projects list");
  return std::unexpected(explain(status));
}

Result<wire::DeployResult> GatewayClient::deploy(const wire::DeployRequest& request,
                                                 const std::function<void(const std::string&)>& on_line) {
  Call call(*this);
  PAASTECH_FAILPOINT("git.deploy");
  const auto reader = stub_->Deploy(&call.context, request);
  wire::DeployEvent event;
  std::optional<wire::DeployResult> result;
  bool begun = false;
  while (reader->Read(&event)) {
    begun = true;
    if (event.event_case() == wire::DeployEvent::kLine) on_line(event.line());
    if (event.event_case() == wire::DeployEvent::kResult) result = event.result();
  }
  const grpc::Status status = reader->Finish();
  if (result) return *result;
  if (!begun && !status.ok() && status.error_code() != grpc::StatusCode::CANCELLED)
    return std::unexpected(explain(status));
  return fail(Code::kUnavailable, "the Service's API went away before the Deployment ended; the branch was not moved",
              "see what became of it with `paastech deployments list`, then push again");
}

void GatewayClient::stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  for (grpc::ClientContext* context : running_) context->TryCancel();
}

}  // namespace paastech::git
