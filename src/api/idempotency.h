#pragma once
// Idempotency-Key on creations (draft-ietf-httpapi-idempotency-key-header): a Client that did not hear an answer asks
// again with the same key and gets that answer, its secrets too, and nothing is made twice. For 24 hours.
//
// The key is taken in one transaction before the work, and its answer kept in one after it. Only an answer of 2xx is
// kept: any other made nothing, and frees the key. Where the Service is killed between the two, the work may or may not
// have been done; the key then answers 409 and says so, rather than do it twice.
// Thread: the control-plane loop. Outlives Context::tasks.
#include <set>
#include <string>
#include <utility>

#include "api/context.h"
#include "net/http.h"

namespace paastech::api {

struct Call;

class Idempotency {
 public:
  explicit Idempotency(Context& context) : context_(context) {}
  // work: not begun yet; it is run at most once, and not at all where the key has been used. To be run shielded, so
  // that the answer is kept although nobody waits for it. Failures of its own: kInvalidArgument where the key was used
  // for another request; kAborted while that is at work, or where it was cut off; kResourceExhausted at 1,000 keys a
  // day.
  net::Task<Result<std::optional<net::HttpResponse>>> run(std::shared_ptr<Call> call, std::string key,
                                                          net::Task<Result<std::optional<net::HttpResponse>>> work);

 private:
  using Key = std::pair<std::string, std::string>;  // Client, key
  net::Task<Result<std::optional<net::HttpResponse>>> run_as(Key key, std::shared_ptr<Call> call,
                                                             net::Task<Result<std::optional<net::HttpResponse>>> work);
  net::Task<Status> keep(Key key, net::HttpResponse answer);
  net::Task<Status> free(Key key);
  Context& context_;
  std::set<Key> at_work_;
};

}  // namespace paastech::api
