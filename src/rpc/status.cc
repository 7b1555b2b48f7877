#include "rpc/status.h"

#include <spdlog/spdlog.h>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/error.h"

namespace paastech::rpc {
namespace {

// What gRPC 1.51 itself says where a peer cannot be reached or hangs up. It names sockets, addresses and TLS errors,
// which are for the log and not for a Client.
bool is_transport_text(std::string_view text) {
  for (const std::string_view start :
       {"failed to connect to all addresses", "connections to all backends failing", "DNS resolution failed",
        "Socket closed", "keepalive watchdog timeout", "recvmsg:", "sendmsg:", "Connection reset by peer",
        "Broken pipe", "GOAWAY received"})
    if (text.starts_with(start)) return true;
  return false;
}

}  // namespace

grpc::Status to_grpc(const Error& error) {
  std::string text = error.message;
  if (!error.hint.empty()) text += "\n\n" + error.hint;
  return {static_cast<grpc::StatusCode>(grpc_status(error.code)), text};
}

grpc::Status to_grpc(const Status& status) { return status ? grpc::Status::OK : to_grpc(status.error()); }

Error from_grpc(const grpc::Status& status) {
  std::string text = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && is_transport_text(text)) {
    spdlog::warn("rpc: a role is not reached: {}", text);
    return {Code::kUnavailable, "a part of the Service does not answer",
            "try again in a moment; the log of paastechd tells its operator why"};
  }
  // What gRPC says itself; our own say what was waited for.
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && text == "Deadline Exceeded") {
    spdlog::warn("rpc: a role does not answer in time");
    return {Code::kUnavailable, "a part of the Service does not answer in time",
            "try again in a moment; the log of paastechd tells its operator why"};
  }
  std::string hint;
  if (const std::size_t at = text.find("\n\n"); at != std::string::npos) {
    hint = text.substr(at + 2);
    text.resize(at);
  }
  return {code_from_grpc(static_cast<int>(status.error_code())), std::move(text), std::move(hint)};
}

Error from_exception(const std::exception& failure) {
  const auto* system = dynamic_cast<const boost::system::system_error*>(&failure);
  if (system && system->code() == boost::asio::error::operation_aborted)
    return {Code::kUnavailable, "the Service is stopping", "try again in a moment"};
  return {Code::kInternal, std::string("internal error: ") + failure.what()};
}

}  // namespace paastech::rpc
