#pragma once
// Inside net/ only: how a handler's answer goes onto the connection. One object a request.
#include "net/http_session.h"

namespace paastech::net {

class SessionWriter final : public ResponseWriter {
 public:
  SessionWriter(std::shared_ptr<HttpSession> session, std::string request_id, bool head_only, bool http_1_1)
      : session_(std::move(session)), request_id_(std::move(request_id)), head_only_(head_only), http_1_1_(http_1_1) {}

  Task<Status> send(HttpResponse response) override;
  Task<Status> start(int status, Headers headers) override;
  Task<Status> write(std::string chunk) override;
  Task<Status> finish() override;

  bool started() const { return state_ != State::kNothing; }
  bool complete() const { return state_ == State::kComplete; }

 private:
  enum class State { kNothing, kStreaming, kComplete };
  Result<std::string> head(int status, const Headers& headers, std::string_view framing) const;
  Task<Status> put(std::string bytes);

  std::shared_ptr<HttpSession> session_;
  std::string request_id_;
  bool head_only_;
  bool http_1_1_;
  bool bodiless_ = false;
  State state_ = State::kNothing;
};

}  // namespace paastech::net
