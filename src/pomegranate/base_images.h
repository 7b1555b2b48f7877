#pragma once
// A fetch of an image that whoever wants it can stop. Thread: the loop's.
#include <memory>
#include <set>
#include <string>

#include "net/http_client.h"
#include "net/task.h"
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

// Holds a name while it is fetched, and gives it free however the fetch ends.
struct Fetching {
  Fetching(std::set<std::string>& under_way, std::string image, net::Notifier& changed)
      : names(under_way), name(std::move(image)), ended(changed) {
    names.insert(name);
  }
  ~Fetching() {
    names.erase(name);
    ended.notify();
  }
  Fetching(const Fetching&) = delete;
  Fetching& operator=(const Fetching&) = delete;
  std::set<std::string>& names;
  std::string name;
  net::Notifier& ended;
};

}  // namespace paastech::pomegranate
