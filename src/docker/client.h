#pragma once
// The connection to a Docker Engine: negotiates the API version and turns the Engine's errors into ours. One file a
// resource beside this one. Thread: the executor's that calls.
// Errors of every call in this folder: kUnavailable (the Engine does not answer), kNotFound (404), kAlreadyExists or
// kAborted (409), kInvalidArgument (400), kResourceExhausted (its disk is full), kInternal; the text is the Engine's
// own.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client.h"

namespace paastech::docker {

using Query = std::vector<std::pair<std::string, std::string>>;
std::string query_string(const Query& query);  // "?a=b&c=d", percent-encoded; empty for none

struct ApiVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const ApiVersion&) const = default;
};
inline constexpr ApiVersion kOldestApi{1, 41};  // Docker 20.10, what Debian 12 has
inline constexpr ApiVersion kNewestApi{1, 51};  // Docker 28.3, the newest this client was written against
Result<ApiVersion> parse_version(std::string_view text);
// The version to speak with an Engine that offers [minimum, newest]; kFailedPrecondition where there is none.
Result<ApiVersion> choose_version(ApiVersion minimum, ApiVersion newest);

class Client {
 public:
  explicit Client(std::string socket_path);
  // A whole exchange; statuses from 400 on become errors.
  net::Task<Result<net::HttpResponse>> call(std::string method, std::string path, std::string body = {},
                                            std::chrono::milliseconds timeout = std::chrono::seconds(60),
                                            net::Headers headers = {});
  // An exchange whose answer streams, and, with stream_body, its body too: the caller writes, finishes and calls
  // check_head. Without, `body` is sent at once.
  net::Task<Result<std::unique_ptr<net::HttpExchange>>> open(std::string method, std::string path,
                                                             bool stream_body = false, net::Headers headers = {},
                                                             std::string body = {});
  // Reads the head of an open exchange; a status from 400 on becomes an error with the Engine's text. Where no head has
  // come in time the exchange is closed: kUnavailable. Zero: no limit, for whoever has one of his own.
  net::Task<Status> check_head(net::HttpExchange* exchange, std::chrono::milliseconds limit);
  // "1.41". Asked anew after the connection was lost, for another Engine may answer then.
  net::Task<Result<std::string>> version();
  // Rises with every (re)connection; what was set up beside the Engine (firewall) is checked again when it does.
  std::uint64_t generation() const { return generation_; }
  const std::string& socket_path() const { return socket_path_; }
  // kUnavailable "Docker Engine does not answer at PATH" for a lost connection and for no answer in time; forgets the
  // version then. Any other error as it is.
  Error lost(const Error& cause);

 private:
  std::string socket_path_;
  net::HttpClient http_;
  std::string version_ = {};
  std::uint64_t generation_ = 0;
};
using ClientPtr = std::shared_ptr<Client>;

}  // namespace paastech::docker
