#pragma once
// What an ingress makes of a published table, for those that stand in for one in the controller's tests.
#include <algorithm>

#include "controller/ports.h"

namespace paastech::controller {

// False: a change of another table than the one that is kept.
inline bool take_table(router::RouteTable& kept, const router::RouteTable& given) {
  if (given.based_on() == 0) {
    kept = given;
    return true;
  }
  if (given.based_on() != kept.version()) return false;
  router::RouteTable next;
  next.set_version(given.version());
  for (const router::Route& route : kept.routes())
    if (std::ranges::find(given.projects(), route.project()) == given.projects().end()) *next.add_routes() = route;
  next.mutable_routes()->MergeFrom(given.routes());
  kept = std::move(next);
  return true;
}

}  // namespace paastech::controller
