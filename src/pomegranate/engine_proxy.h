#pragma once
// For tests: a way to the Engine that can be cut, as when the Engine is stopped, or holds requests back, as where it is
// busy. Runs on the test's own loop.
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paastech::pomegranate {

class EngineProxy {
  using Local = boost::asio::local::stream_protocol;

 public:
  EngineProxy(boost::asio::io_context& loop, std::string path, std::string engine)
      : loop_(loop), path_(std::move(path)), engine_(std::move(engine)), acceptor_(loop) {
    mend();
  }
  EngineProxy(const EngineProxy&) = delete;
  EngineProxy& operator=(const EngineProxy&) = delete;
  ~EngineProxy() { cut(); }
  // Ends every connection; none can be made until mend().
  void cut() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    ::unlink(path_.c_str());
    for (const auto& pair : pairs_) pair->close();
    pairs_.clear();
  }
  void mend() {
    ::unlink(path_.c_str());
    acceptor_.open();
    acceptor_.bind(Local::endpoint(path_));
    acceptor_.listen();
    accept();
  }
  // Requests with that in their head reach the Engine so much later, from now on.
  void hold(std::string what, std::chrono::milliseconds time) {
    held_ = std::move(what);
    hold_time_ = time;
  }
  int held() const { return held_count_; }

 private:
  struct Pair : std::enable_shared_from_this<Pair> {
    explicit Pair(EngineProxy& of) : proxy(of), near(of.loop_), far(of.loop_) {}
    void close() {
      boost::system::error_code ignored;
      near.close(ignored);
      far.close(ignored);
    }
    void pump(Local::socket& from, Local::socket& to, std::array<char, 65536>& buffer) {
      from.async_read_some(boost::asio::buffer(buffer), [self = shared_from_this(), &from, &to, &buffer](
                                                            boost::system::error_code error, std::size_t count) {
        if (error) return self->close();
        if (&from == &self->near && self->proxy.holds(std::string_view(buffer.data(), count))) {
          const auto timer = std::make_shared<boost::asio::steady_timer>(self->proxy.loop_, self->proxy.hold_time_);
          return timer->async_wait([self, &from, &to, &buffer, count, timer](boost::system::error_code) {
            self->pass(from, to, buffer, count);
          });
        }
        self->pass(from, to, buffer, count);
      });
    }
    void pass(Local::socket& from, Local::socket& to, std::array<char, 65536>& buffer, std::size_t count) {
      boost::asio::async_write(
          to, boost::asio::buffer(buffer.data(), count),
          [self = shared_from_this(), &from, &to, &buffer](boost::system::error_code failed, std::size_t) {
            if (failed) return self->close();
            self->pump(from, to, buffer);
          });
    }
    EngineProxy& proxy;
    Local::socket near;
    Local::socket far;
    std::array<char, 65536> up = {};
    std::array<char, 65536> down = {};
  };
  bool holds(std::string_view request) {
    if (held_.empty() || !request.contains(held_)) return false;
    ++held_count_;
    return true;
  }
  void accept() {
    auto pair = std::make_shared<Pair>(*this);
    acceptor_.async_accept(pair->near, [this, pair](boost::system::error_code error) {
      if (error) return;
      boost::system::error_code refused;
      pair->far.connect(Local::endpoint(engine_), refused);
      if (!refused) {
        pairs_.push_back(pair);
        pair->pump(pair->near, pair->far, pair->up);
        pair->pump(pair->far, pair->near, pair->down);
      }
      accept();
    });
  }
  boost::asio::io_context& loop_;
  std::string path_;
  std::string engine_;
  Local::acceptor acceptor_;
  std::vector<std::shared_ptr<Pair>> pairs_ = {};
  std::string held_ = {};
  std::chrono::milliseconds hold_time_{0};
  int held_count_ = 0;
};

}  // namespace paastech::pomegranate
