// What bounds the router's connections: how many Clients have one, and how long an Instance may take to take one.
#include "ingress/test_support.h"

namespace paastech::ingress {
namespace {

using namespace testing_support;

class RouterLimits : public RouterFixture {};

// Listens, and lets nobody in: its queue is full, so that the kernel drops what asks for more.
class DeafListener {
 public:
  DeafListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.fd(), 0), 0);
    EXPECT_EQ(::getsockname(listener_.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    bool taken = true;
    while (taken && waiting_.size() < 16) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      waiting_.emplace_back(fd);
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
      pollfd connected{fd, POLLOUT, 0};
      taken = ::poll(&connected, 1, 200) == 1;
    }
    EXPECT_FALSE(taken) << "its queue does not fill";
  }
  std::uint16_t port() const { return port_; }

 private:
  Wire listener_;
  std::uint16_t port_ = 0;
  std::list<Wire> waiting_;
};

TEST_F(RouterLimits, AnInstanceThatTakesNoConnectionIsGivenUpForAnother) {
  const DeafListener deaf;
  TestBackend app(saying("alive"));
  RouterOptions options;
  options.loops = 1;
  options.limits.connect_timeout_ms = 300;
  start(options);
  ASSERT_TRUE(publish({backend(deaf.port()), backend(app.port())}).ok());
  auto longest = std::chrono::steady_clock::duration::zero();
  for (int i = 0; i < 4; ++i) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(fetch("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc").body, "alive");
    longest = std::max(longest, std::chrono::steady_clock::now() - began);
  }
  EXPECT_GE(longest, std::chrono::milliseconds(250)) << "the control: one of them was sent to the deaf one first";
  ASSERT_TRUE(publish({backend(deaf.port())}).ok());
  EXPECT_EQ(fetch(get()).status(), 504);
}

TEST_F(RouterLimits, MoreClientsThanTheLimitWaitUntilOneLeaves) {
  TestBackend app(saying("served"));
  RouterOptions options;
  options.loops = 1;
  options.limits.max_connections = 2;
  start(options);
  ASSERT_TRUE(publish({backend(app.port())}).ok());
  Wire stays = connect();
  Wire leaves = connect();
  for (Wire* each : {&stays, &leaves}) {
    each->send(get());
    EXPECT_EQ(read_message(*each).body, "served");
  }
  Wire waits = connect();
  waits.send(get());
  EXPECT_FALSE(waits.more(300)) << "served beyond the limit: " << waits.rest();
  stays.send(get());
  EXPECT_EQ(read_message(stays).body, "served");
  leaves.close();
  EXPECT_EQ(read_message(waits).body, "served");
}

}  // namespace
}  // namespace paastech::ingress
