#pragma once
// The Client API: finds the route, who asks, whether they may, and runs the handler. Every failure becomes a problem
// (RFC 9457). Thread: the control-plane loop. Outlives Context::tasks, in which changes go on after a hang-up.
#include <memory>
#include <optional>
#include <vector>

#include "api/context.h"
#include "api/route.h"
#include "net/http_server.h"

namespace paastech::api {

class RequestLog;

class HttpApi {
 public:
  explicit HttpApi(Context& context);
  ~HttpApi();
  // For HttpServer's HttpHandler.
  net::Task<void> handle(net::ServerRequest request, net::ResponseWriter& writer);
  static const std::vector<RouteInfo>& routes();

 private:
  struct Ended {
    int status = 0;
    std::optional<Error> error = {};
  };
  net::Task<void> answer(CallPtr call, net::ResponseWriter* writer, Ended* ended);
  net::Task<Result<Answer>> dispatch(CallPtr call, net::ResponseWriter* writer);
  net::Task<Status> identify(CallPtr call, RouteInfo route);
  net::Task<Status> authenticate(CallPtr call, RouteInfo route);
  std::unique_ptr<Services> services_;
  std::unique_ptr<RequestLog> log_;
};

}  // namespace paastech::api
