#include "ingress/test_support.h"

#include <system_error>

namespace paastech::ingress::testing_support {

Wire Wire::connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << std::generic_category().message(errno);
  return Wire(fd);
}

void Wire::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool Wire::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Wire::more(int patience_ms) {
  pollfd wait{fd_, POLLIN, 0};
  if (::poll(&wait, 1, patience_ms) <= 0) return false;
  char bytes[65536];
  const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  rest_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::string Wire::exactly(std::size_t n) {
  while (rest_.size() < n)
    if (!more()) return {};
  return take(n);
}

std::string Wire::all() {
  while (more()) {
  }
  return take(rest_.size());
}

std::string Wire::take(std::size_t n) {
  std::string out = rest_.substr(0, n);
  rest_.erase(0, n);
  return out;
}

TestBackend::TestBackend(Serve serve) : serve_(std::move(serve)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener_, 1024), 0);
  socklen_t length = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TestBackend::~TestBackend() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

int TestBackend::open() {
  const std::scoped_lock lock(mutex_);
  return static_cast<int>(open_.size());
}

void TestBackend::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++accepted_;
    const std::scoped_lock lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] {
      Wire wire(fd);
      serve_(wire);
      const std::scoped_lock inner(mutex_);
      open_.remove(fd);
      wire.close();
    });
  }
}

void RouterFixture::start(RouterOptions options) {
  options.address = "127.0.0.1";
  options.port = 0;
  if (options.loops == 0) options.loops = 2;
  Result<std::unique_ptr<Router>> made = Router::start(options);
  ASSERT_TRUE(made) << made.error().message;
  router_ = std::move(*made);
  grpc::ServerBuilder builder;
  builder.RegisterService(&router_->service());
  server_ = builder.BuildAndStart();
  stub_ = router::v1::Router::NewStub(server_->InProcessChannel({}));
}

void RouterFixture::stop() {
  if (router_) router_->stop();
  if (server_) server_->Shutdown();
  server_.reset();
  router_.reset();
}

router::v1::Backend RouterFixture::backend(std::uint16_t port, std::int64_t deployment) {
  router::v1::Backend out;
  out.set_address("127.0.0.1");
  out.set_port(port);
  out.set_deployment(deployment);
  return out;
}

grpc::Status RouterFixture::publish(std::vector<router::v1::Backend> backends, std::int64_t version) {
  router::v1::RouteTable table;
  version_ = version > 0 ? version : version_ + 1;
  table.set_version(version_);
  router::v1::Route& route = *table.add_routes();
  route.set_host("app.test");
  route.set_project("p");
  for (const router::v1::Backend& item : backends) *route.add_backends() = item;
  return publish_table(table);
}

grpc::Status RouterFixture::publish_table(const router::v1::RouteTable& table) {
  router::v1::PublishReply reply;
  grpc::ClientContext context;
  return stub_->Publish(&context, table, &reply);
}

std::int32_t RouterFixture::drain(std::vector<router::v1::Backend> backends, int timeout_ms) {
  router::v1::DrainRequest request;
  for (const router::v1::Backend& item : backends) *request.add_backends() = item;
  request.set_timeout_ms(timeout_ms);
  router::v1::DrainReply reply;
  grpc::ClientContext context;
  EXPECT_TRUE(stub_->Drain(&context, request, &reply).ok());
  return reply.in_flight();
}

router::v1::StatisticsReply RouterFixture::statistics() {
  router::v1::StatisticsReply reply;
  grpc::ClientContext context;
  EXPECT_TRUE(stub_->Statistics(&context, {}, &reply).ok());
  return reply;
}

std::string RouterFixture::get(const std::string& path, const std::string& more) {
  return "GET " + path + " HTTP/1.1\r\nHost: app.test\r\n" + more + "\r\n";
}

Message RouterFixture::fetch(const std::string& request) {
  Wire wire = connect();
  wire.send(request);
  return read_message(wire);
}

}  // namespace paastech::ingress::testing_support
