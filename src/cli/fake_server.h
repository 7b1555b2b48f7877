#pragma once
// A test double of the REST contract: plain sockets, one thread, one request a connection, canned answers by
// "METHOD /path?query". It keeps what was asked.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace paastech::cli {

struct Request {
  std::string line;  // "GET /api/v1/me"
  std::string head;  // header lines as sent
  std::string body;
};

struct Answer {
  int status = 200;
  std::string body = {};
  std::string type = "application/json";
  bool cut = false;   // chunked, and broken off without the last chunk
  bool hold = false;  // kept open until the client goes
};

class FakeServer {
 public:
  FakeServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ::shutdown(listener_, SHUT_RDWR);  // accept fails, the thread ends
    thread_.join();
    ::close(listener_);
  }

  // Several answers to the same request come in their order; the last one stays.
  void on(const std::string& line, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[line].push_back(std::move(answer));
  }
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      Request request;
      if (read_request(fd, request)) reply(fd, take(request));
      ::close(fd);
    }
  }

  static bool read_request(int fd, Request& request) {
    std::string text;
    char buffer[4096];
    std::size_t end = std::string::npos;
    std::size_t length = 0;
    while (end == std::string::npos || text.size() < end + 4 + length) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return false;
      text.append(buffer, static_cast<std::size_t>(n));
      end = text.find("\r\n\r\n");
      const std::size_t at = text.find("Content-Length: ");
      if (end != std::string::npos && at < end) length = std::stoul(text.substr(at + 16));
    }
    request.line = text.substr(0, text.find(" HTTP/1.1"));
    request.head = text.substr(text.find("\r\n") + 2, end - text.find("\r\n"));
    request.body = text.substr(end + 4);
    return true;
  }

  Answer take(const Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    std::string key = request.line;
    if (const std::size_t at = key.find("/api/v1"); at != std::string::npos) key.erase(at, 7);
    std::deque<Answer>& queue = answers_[key];
    if (queue.empty()) return {.status = 404, .body = R"({"detail":"no such route: )" + key + R"("})"};
    Answer answer = queue.front();
    if (queue.size() > 1) queue.pop_front();
    return answer;
  }

  static void reply(int fd, const Answer& answer) {
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nConnection: close\r\n";
    if (!answer.body.empty()) text += "Content-Type: " + answer.type + "\r\n";
    if (answer.cut) {
      char size[32];
      std::snprintf(size, sizeof size, "%zx", answer.body.size());
      text += "Transfer-Encoding: chunked\r\n\r\n" + std::string(size) + "\r\n" + answer.body + "\r\n";
    } else if (answer.hold) {
      text += "\r\n" + answer.body;
    } else {
      text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
    }
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    char rest = 0;
    if (answer.hold) [[maybe_unused]]
      const ssize_t n = ::recv(fd, &rest, 1, 0);
  }

  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::deque<Answer>> answers_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace paastech::cli
