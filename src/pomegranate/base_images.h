#pragma once
// A fetch of a base image that its build can stop. Thread: the loop's.
#include <memory>

#include "net/http_client.h"
#include "pomegranate/image_references.h"

namespace paastech::pomegranate {

struct Fetch {
  std::weak_ptr<net::HttpExchange> exchange = {};  // while one is under way
  bool stopped = false;
  void stop() {
    stopped = true;
    if (const auto alive = exchange.lock()) alive->close();
  }
};

}  // namespace paastech::pomegranate
