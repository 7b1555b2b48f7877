#pragma once
// For tests: a way to the Engine that can be cut, as when the Engine is stopped. Runs on the test's own loop.
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
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

 private:
  struct Pair : std::enable_shared_from_this<Pair> {
    explicit Pair(boost::asio::io_context& loop) : near(loop), far(loop) {}
    void close() {
      boost::system::error_code ignored;
      near.close(ignored);
      far.close(ignored);
    }
    void pump(Local::socket& from, Local::socket& to, std::array<char, 65536>& buffer) {
      from.async_read_some(boost::asio::buffer(buffer), [self = shared_from_this(), &from, &to, &buffer](
                                                            boost::system::error_code error, std::size_t count) {
        if (error) return self->close();
        boost::asio::async_write(to, boost::asio::buffer(buffer.data(), count),
                                 [self, &from, &to, &buffer](boost::system::error_code failed, std::size_t) {
                                   if (failed) return self->close();
                                   self->pump(from, to, buffer);
                                 });
      });
    }
    Local::socket near;
    Local::socket far;
    std::array<char, 65536> up = {};
    std::array<char, 65536> down = {};
  };
  void accept() {
    auto pair = std::make_shared<Pair>(loop_);
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
};

}  // namespace paastech::pomegranate
