#pragma once
// The output of a container: the Engine's 8-byte framed stream (moby api/swagger.yaml, ContainerAttach: stream type,
// three zero bytes, big-endian length) cut into lines with their times. Threads and errors: client.h.
#include <cstdint>
#include <deque>
#include <optional>

#include "docker/client.h"

namespace paastech::docker {

struct LogEntry {
  bool error_stream = false;
  std::int64_t at_ns = 0;
  std::string text;
};

// Pure: bytes in, entries out. Each frame holds one message that starts with its time; a long line comes in several.
class LogParser {
 public:
  Status add(std::string_view piece);  // kInternal: not framed
  std::optional<LogEntry> next();
  void finish();  // gives out what has no line's end

 private:
  void take_frame(bool error_stream, std::string_view frame);
  std::string buffer_ = {};
  LogEntry partial_[2] = {};
  std::deque<LogEntry> ready_ = {};
};

struct LogQuery {
  bool follow = false;
  int tail = 0;               // lines; 0: all, -1: none
  std::int64_t since_ns = 0;  // inclusive
};

class LogStream {
 public:
  static net::Task<Result<std::unique_ptr<LogStream>>> open(ClientPtr client, std::string id, LogQuery query);
  net::Task<Result<std::optional<LogEntry>>> next();  // nullopt at the end
  void close() { exchange_->close(); }

 private:
  LogStream(ClientPtr client, std::unique_ptr<net::HttpExchange> exchange)
      : client_(std::move(client)), exchange_(std::move(exchange)) {}
  ClientPtr client_;
  std::unique_ptr<net::HttpExchange> exchange_;
  LogParser parser_ = {};
  bool ended_ = false;
};

}  // namespace paastech::docker
