#pragma once
// The built-in router: visitors' HTTP/1.1 to the ready Instances of their host name. A loop a core carries the
// requests; a gRPC service (proto/router.proto) changes the table. The last table is on disk, so that a restarted
// router serves before api is back. Thread: start() and stop() from the owner's; service() is gRPC's. Failures of
// start(): an address that is not one or a port that is taken (each says what to change). A table file that cannot be
// read is logged and begun anew.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "ingress/limits.h"

namespace grpc {
class Service;
}

namespace paastech::ingress {

struct RouterOptions {
  std::string address = "0.0.0.0";   // an IP address
  std::uint16_t port = 8080;         // 0: any that is free
  int loops = 0;                     // 0: one a core
  std::filesystem::path table_file;  // empty: the table is not kept (tests)
  std::string trusted_proxy;         // networks whose X-Forwarded-* and X-Request-Id are believed; empty: none
  Limits limits;
};

class Router {
 public:
  static Result<std::unique_ptr<Router>> start(RouterOptions options);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  std::uint16_t port() const;
  grpc::Service& service();
  // Answers what is in flight (at most limits.stop_timeout_ms), finishes pending calls with UNAVAILABLE. Blocks till
  // then.
  void stop();

 private:
  struct Parts;
  explicit Router(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace paastech::ingress
