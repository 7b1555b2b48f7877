#include "rpc/status.h"

#include "base/error.h"

namespace paastech::rpc {

grpc::Status to_grpc(const Error& error) {
  std::string text = error.message;
  if (!error.hint.empty()) text += "\n\n" + error.hint;
  return {static_cast<grpc::StatusCode>(grpc_status(error.code)), text};
}

grpc::Status to_grpc(const Status& status) { return status ? grpc::Status::OK : to_grpc(status.error()); }

Error from_grpc(const grpc::Status& status) {
  std::string text = status.error_message();
  std::string hint;
  if (const std::size_t at = text.find("\n\n"); at != std::string::npos) {
    hint = text.substr(at + 2);
    text.resize(at);
  }
  return {code_from_grpc(static_cast<int>(status.error_code())), std::move(text), std::move(hint)};
}

}  // namespace paastech::rpc
