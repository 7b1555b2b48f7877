#pragma once
// The output of a container: the Engine's 8-byte framed stream (moby api/swagger.yaml, ContainerAttach: stream type,
// three zero bytes, big-endian length) cut into lines with their times. Threads and errors: client.h.
#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "docker/client.h"

namespace paastech::docker {

inline constexpr std::size_t kFrameHead = 8;
// Of what follows the head of a frame, in bytes.
inline std::size_t frame_length(std::string_view head) {
  const auto byte = [head](std::size_t i) { return std::size_t{static_cast<unsigned char>(head[i])}; };
  return byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
}

struct LogEntry {
  bool error_stream = false;
  std::int64_t at_ns = 0;
  std::string text;
};

// Where lines go, one call each and nothing kept of `text`: millions of them pass here.
class LineTaker {
 public:
  virtual void take(bool error_stream, std::int64_t at_ns, std::string_view text) = 0;

 protected:
  ~LineTaker() = default;
};

// Pure: bytes in, lines out. Each frame holds one message that starts with its time; a long line comes in several, all
// with its first time (moby daemon/logger/copier.go). A line's beginning that a frame of another time follows had no
// end: the program that wrote it had ended. So that the order of lines is the same however much has been read, that is
// also seen by a frame of the other stream, where it is clearly later.
class LogParser {
 public:
  Status add(std::string_view piece, LineTaker& taker);  // kInternal: not framed
  void finish(LineTaker& taker);                         // gives out what has no line's end

 private:
  void frame(bool error_stream, std::string_view frame, LineTaker& taker);
  void rest(bool error_stream, LineTaker& taker);
  std::int64_t time_of(std::string_view text);
  std::string buffer_ = {};  // a frame that has not come whole
  std::array<LogEntry, 2> partial_ = {};
  std::string second_ = {};  // "2026-01-31T12:00:00", the last one read
  std::int64_t second_ns_ = 0;
};

struct LogQuery {
  bool follow = false;
  int tail = 0;               // lines; 0: all, -1: none
  std::int64_t since_ns = 0;  // inclusive
  bool whole_lines = false;   // a last line without an end is left out: it may go on
};

class LogStream {
 public:
  static net::Task<Result<std::unique_ptr<LogStream>>> open(ClientPtr client, std::string id, LogQuery query);
  net::Task<Result<std::optional<LogEntry>>> next();  // nullopt at the end
  // For many lines: gives out what the Engine sends at once. False at the end. Not to be mixed with next().
  net::Task<Result<bool>> read(LineTaker* taker);
  void close() { exchange_->close(); }

 private:
  struct Queue final : LineTaker {
    void take(bool error_stream, std::int64_t at_ns, std::string_view text) override {
      entries.push_back({error_stream, at_ns, std::string(text)});
    }
    std::deque<LogEntry> entries = {};
  };
  LogStream(ClientPtr client, std::unique_ptr<net::HttpExchange> exchange, bool whole_lines)
      : client_(std::move(client)), exchange_(std::move(exchange)), whole_lines_(whole_lines) {}
  ClientPtr client_;
  std::unique_ptr<net::HttpExchange> exchange_;
  LogParser parser_ = {};
  Queue queue_ = {};
  bool whole_lines_;
  bool ended_ = false;
};

// What a container prints from now on, as bytes in frames without times. Whoever opens it must read it: the program
// waits once 1 MB is unread (moby pkg/ioutils/bytespipe.go).
net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_attach(ClientPtr client, std::string id);

}  // namespace paastech::docker
