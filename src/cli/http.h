#pragma once
// The REST contract over libcurl. Every failure is an Error with the next step; an RFC 9457 problem keeps the Service's
// own words. The token travels in a header only. Calls block; one thread.
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/server_url.h"
#include "cli/sse.h"

namespace paastech::cli {

enum class StreamEnd { kEnded, kStopped, kInterrupted };  // by the server, by the callback, by Ctrl-C

// The Error that an RFC 9457 problem describes; nothing where the text is none. status goes before the problem's own.
std::optional<Error> read_problem(std::string_view body, int status = 0);

class Http {
 public:
  Http(ServerUrl server, std::string token);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // path is below /api/v1 and starts with a slash. An answer without a body reads as null.
  Result<boost::json::value> call(std::string method, std::string path,
                                  std::optional<boost::json::value> body = std::nullopt);
  // Server-sent events until the server ends the stream or on_event answers false. A connection that breaks off is
  // kUnavailable; events that came before were delivered.
  Result<StreamEnd> stream(std::string path, std::function<bool(const Event&)> on_event);
  // The problem's own `code` of the last call that failed, for those that a command answers itself; empty: none.
  const std::string& problem_code() const { return problem_code_; }
  void set_patience(std::chrono::milliseconds most) { patience_ = most; }  // of a call; 0: as long as it takes
  const ServerUrl& server() const { return server_; }

 private:
  struct Transfer;
  Status prepare(Transfer& transfer, const std::string& method, const std::string& path, const char* accept);
  Result<bool> perform(Transfer& transfer, int wake_fd, const std::function<bool()>& pump);
  std::unexpected<Error> unreachable(const Transfer& transfer, int curl_code) const;
  std::unexpected<Error> problem(const Transfer& transfer);
  static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* transfer);

  ServerUrl server_;
  std::string token_;
  std::string problem_code_ = {};
  std::chrono::milliseconds patience_{0};
  void* easy_;
  void* multi_;
};

}  // namespace paastech::cli
