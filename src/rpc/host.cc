#include "rpc/host.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/stat.h>

#include <chrono>
#include <mutex>

#include "rpc/tls.h"

namespace paastech::rpc {
namespace {

constexpr int kMaxMessage = 8 << 20;  // bytes; the largest message is a route table of about 20,000 hosts
// How long an attempt to connect may last, TLS included: longer than a lost SYN, which is sent again after 1 s (RFC
// 6298, section 2). gRPC calls that argument the minimal back-off, but waits by it for the handshake
// (src/core/ext/filters/client_channel/subchannel.cc); what it waits between attempts begins with the initial one.
constexpr int kConnectMs = 3'000;
constexpr int kFirstRetryMs = 100;
constexpr int kLastRetryMs = 1'000;
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

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

// Two daemons never share a port, and a peer that is gone is noticed from this end too.
void prepare_for_tcp(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Else a caller that pings while a stream is silent would be cut off (grpc doc/keepalive.md).
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kKeepaliveMs / 2);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace

Result<std::unique_ptr<Host>> Host::start(const std::vector<grpc::Service*>& services,
                                          const std::filesystem::path& socket, const Tcp& tcp) {
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
  int port = 0;
  if (!tcp.address.empty()) {
    if (!tcp.identity) return fail(Code::kInternal, "no certificate to listen on " + tcp.address + " with");
    prepare_for_tcp(builder);
    builder.AddListeningPort(tcp.address, tcp.identity->server_credentials(), &port);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!socket.empty() && (bound < 0 || (server && ::chmod(socket.c_str(), 0600) != 0)))
    return fail(Code::kUnavailable, "cannot listen on the unix socket " + socket.string(),
                "check that its folder exists, that it is writable, and that the path has at most 107 bytes");
  if (!server)
    return fail(Code::kUnavailable,
                "cannot listen on " + tcp.address + ": the port is in use or the address is not this host's",
                "choose another port in `roles`, or another roles.listen_address");
  return std::unique_ptr<Host>(new Host(std::move(server), port));
}

Host::~Host() { stop(); }

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstRetryMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastRetryMs);
  return arguments;
}

void set_keepalive(grpc::ChannelArguments& arguments) {
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

std::shared_ptr<grpc::Channel> Host::channel() const { return server_->InProcessChannel(channel_arguments()); }

void Host::stop() { server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1)); }

std::shared_ptr<grpc::Channel> unix_channel(const std::filesystem::path& socket) {
  return grpc::CreateCustomChannel("unix:" + socket.string(), grpc::InsecureChannelCredentials(), channel_arguments());
}

}  // namespace paastech::rpc
