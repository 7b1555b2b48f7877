#pragma once
// For tests: a loop that runs one coroutine to its end, and a peer that speaks raw bytes.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/task.h"

namespace paastech::net::testing {

// Runs until the task ends; its exception is a failure. A test that hangs is stopped after 20 seconds.
inline void run(asio::io_context& loop, Task<void> task) {
  bool done = false;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error) {
    done = true;
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      ADD_FAILURE() << "the test threw: " << e.what();
    }
    loop.stop();
  });
  loop.restart();
  loop.run_for(std::chrono::seconds(20));
  ASSERT_TRUE(done) << "the test did not end in 20 seconds";
}

class RawPeer {
 public:
  explicit RawPeer(Executor executor) : socket_(std::move(executor)) {}
  explicit RawPeer(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}
  Task<void> connect(std::uint16_t port) {
    const asio::ip::tcp::endpoint to(asio::ip::make_address("127.0.0.1"), port);
    auto [error] = co_await socket_.async_connect(to, kAwait);
    EXPECT_FALSE(error) << error.message();
  }
  Task<void> send(std::string bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto rest = asio::buffer(bytes) + sent;
      auto [error, count] = co_await socket_.async_write_some(rest, kAwait);
      if (error) co_return;  // a server may refuse before it has read all
      sent += count;
    }
  }
  // What came, up to and with `mark`; what there was where the connection ended before.
  Task<std::string> read_until(std::string mark) {
    for (;;) {
      const std::size_t at = held_.find(mark);
      if (at != std::string::npos) {
        std::string found = held_.substr(0, at + mark.size());
        held_.erase(0, found.size());
        co_return found;
      }
      const bool more = co_await fill();
      if (!more) co_return std::exchange(held_, {});
    }
  }
  Task<std::string> read_all() {
    for (;;) {
      const bool more = co_await fill();
      if (!more) co_return std::exchange(held_, {});
    }
  }
  void shutdown_send() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
  void close() { socket_.close(); }

 private:
  Task<bool> fill() {
    std::string piece(16384, '\0');
    const auto space = asio::buffer(piece);
    auto [error, count] = co_await socket_.async_read_some(space, kAwait);
    held_.append(piece, 0, count);
    co_return !error;
  }
  asio::ip::tcp::socket socket_;
  std::string held_;
};

}  // namespace paastech::net::testing
