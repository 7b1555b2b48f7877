#pragma once
// What the router's tests share: a raw HTTP client, small Backends on threads, and a Router with its control channel.
// Everything listens on a loopback port the kernel chose, so that tests run side by side.
#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ingress/router.h"
#include "router.grpc.pb.h"

namespace paastech::ingress::testing_support {

inline constexpr int kPatienceMs = 10'000;  // nothing here takes as long; a test that waits this out has failed

// A socket that reads and writes with patience. Not for sharing between threads.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(Wire&& other) noexcept : fd_(std::exchange(other.fd_, -1)), rest_(std::move(other.rest_)) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { close(); }
  static Wire connect(std::uint16_t port);
  void close();
  int fd() const { return fd_; }
  bool send(std::string_view text);
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  // More bytes into rest_; false at end of file, an error, or out of patience.
  bool more(int patience_ms = kPatienceMs);
  std::string until(std::string_view mark) {  // through the mark; empty: it did not come
    std::size_t at = 0;
    while ((at = rest_.find(mark)) == std::string::npos)
      if (!more()) return {};
    return take(at + mark.size());
  }
  std::string exactly(std::size_t n);
  std::string all();
  bool at_end() { return rest_.empty() && !more(); }
  const std::string& rest() const { return rest_; }

 private:
  std::string take(std::size_t n);
  int fd_;
  std::string rest_;
};

// The value of a header in a raw head, or "" (names are compared as the router writes or the test sends them).
inline std::string header(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

struct Message {
  std::string head;
  std::string body;
  int status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }
};

// Reads one message, decoding Content-Length or chunked. No head: the peer closed.
inline Message read_message(Wire& wire, bool head_only = false) {
  Message out;
  out.head = wire.until("\r\n\r\n");
  if (out.head.empty() || head_only) return out;
  if (const std::string length = header(out.head, "Content-Length"); !length.empty()) {
    out.body = wire.exactly(static_cast<std::size_t>(std::atoll(length.c_str())));
  } else if (header(out.head, "Transfer-Encoding") == "chunked") {
    while (true) {
      const std::string size = wire.until("\r\n");
      const std::size_t n = std::strtoul(size.c_str(), nullptr, 16);
      const std::string chunk = wire.exactly(n + 2);
      if (size.empty() || chunk.empty()) {
        out.body += "<cut short>";
        break;
      }
      if (n == 0) break;
      out.body += chunk.substr(0, n);
    }
  }
  return out;
}

// A Backend: one thread a connection, running the given function until it returns.
class TestBackend {
 public:
  using Serve = std::function<void(Wire&)>;
  explicit TestBackend(Serve serve);
  ~TestBackend();
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }
  int open();

 private:
  void accept_all();
  Serve serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

// Serves every request on the connection with what `answer` makes of it, kept alive.
inline TestBackend::Serve answering(std::function<std::string(const Message&)> answer) {
  return [answer = std::move(answer)](Wire& wire) {
    while (true) {
      const Message request = read_message(wire);
      if (request.head.empty() || !wire.send(answer(request))) return;
    }
  };
}
inline std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline TestBackend::Serve saying(std::string body) {
  return answering([body = std::move(body)](const Message&) { return ok(body); });
}

class RouterFixture : public ::testing::Test {
 protected:
  void start(RouterOptions options = {});
  void stop();
  void TearDown() override { stop(); }

  static router::v1::Backend backend(std::uint16_t port, std::int64_t deployment = 1);
  // Host "app.test" of project "p" to these Backends.
  grpc::Status publish(std::vector<router::v1::Backend> backends, std::int64_t version = 0);
  grpc::Status publish_table(const router::v1::RouteTable& table);
  std::int32_t drain(std::vector<router::v1::Backend> backends, int timeout_ms);
  router::v1::StatisticsReply statistics();
  Wire connect() { return Wire::connect(router_->port()); }
  static std::string get(const std::string& path = "/", const std::string& more = "");
  Message fetch(const std::string& request);

  std::unique_ptr<Router> router_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<router::v1::Router::Stub> stub_;
  std::int64_t version_ = 0;
};

}  // namespace paastech::ingress::testing_support
