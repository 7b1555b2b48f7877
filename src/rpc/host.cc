#include "rpc/host.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>

#include <chrono>
#include <mutex>

namespace paastech::rpc {
namespace {

constexpr int kMaxMessage = 8 << 20;  // bytes; the largest message is a route table of about 20,000 hosts

// gRPC's callback threads live while a channel or server uses them. Where the last use ends on one of them – a finished
// call drops its channel there – they would join themselves and abort the process (grpc pull request 32584). So a
// server that nobody can call uses them for ever; it is not destroyed on purpose.
void keep_callback_threads() {
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(new grpc::CallbackGenericService);
  static const grpc::Server* const forever = builder.BuildAndStart().release();
  static_cast<void>(forever);
}

void enable_plugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    keep_callback_threads();
  });
}

}  // namespace

Result<std::unique_ptr<Host>> Host::start(const std::vector<grpc::Service*>& services,
                                          const std::filesystem::path& socket) {
  enable_plugins();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  for (grpc::Service* service : services) builder.RegisterService(service);
  int bound = -1;
  if (!socket.empty()) {
    std::error_code ignored;
    std::filesystem::remove(socket, ignored);
    builder.AddListeningPort("unix:" + socket.string(), grpc::InsecureServerCredentials(), &bound);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || (!socket.empty() && ::chmod(socket.c_str(), 0600) != 0))
    return fail(Code::kUnavailable, "cannot listen on the unix socket " + socket.string(),
                "check that its folder exists, that it is writable, and that the path has at most 107 bytes");
  return std::unique_ptr<Host>(new Host(std::move(server)));
}

Host::~Host() { stop(); }

std::shared_ptr<grpc::Channel> Host::channel() const {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  return server_->InProcessChannel(arguments);
}

void Host::stop() { server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1)); }

std::shared_ptr<grpc::Channel> unix_channel(const std::filesystem::path& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace paastech::rpc
