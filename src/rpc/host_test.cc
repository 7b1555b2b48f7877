#include "rpc/host.h"

#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <thread>

#include "router.grpc.pb.h"
#include "rpc/test_support.h"

namespace paastech::rpc {
namespace {

using namespace std::chrono_literals;

struct HostTest : testing::FolderTest {
  router::v1::Router::Service service;
};

TEST_F(HostTest, AnswersTheStandardHealthCheckAndReflectionInProcessAndOnItsSocket) {
  const auto host = Host::start({&service}, folder / "x.sock");
  ASSERT_TRUE(host) << host.error().message;
  for (const auto& channel : {(*host)->channel(), unix_channel(folder / "x.sock")}) {
    EXPECT_EQ(testing::ask(channel, testing::kHealth).text, testing::kServing);
    // list_services = "*"
    const std::string listed = testing::ask(channel, testing::kReflection, "\x3a\x01*").text;
    EXPECT_NE(listed.find("paastech.router.v1.Router"), std::string::npos) << listed;
  }
}

TEST_F(HostTest, ItsSocketIsForItsOwnerOnly) {
  const auto host = Host::start({&service}, folder / "x.sock");
  ASSERT_TRUE(host);
  struct stat info{};
  ASSERT_EQ(::stat((folder / "x.sock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(HostTest, ASocketThatCannotBeMadeIsAnError) {
  const auto host = Host::start({&service}, folder / "missing" / "x.sock");
  ASSERT_FALSE(host);
  EXPECT_EQ(host.error().code, Code::kUnavailable);
  EXPECT_NE(host.error().message.find("missing/x.sock"), std::string::npos);
}

TEST_F(HostTest, AChannelMeetsARestartedHostAgain) {
  const auto channel = unix_channel(folder / "x.sock");
  for (int round = 0; round < 2; ++round) {
    const auto host = Host::start({&service}, folder / "x.sock");
    ASSERT_TRUE(host);
    EXPECT_TRUE(channel->WaitForConnected(std::chrono::system_clock::now() + 10s));
    (*host)->stop();
  }
}

// A busy host, or one far away, needs more than an instant for the handshake.
TEST_F(HostTest, AHostThatIsSlowToAnswerIsReachedByTheFirstCall) {
  using Unix = boost::asio::local::stream_protocol;
  boost::asio::io_context io;
  Unix::acceptor listener(io, Unix::endpoint((folder / "slow.sock").string()));
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  std::jthread answering([&] {
    Unix::socket connection = listener.accept();
    connection.non_blocking(true);
    std::this_thread::sleep_for(500ms);
    grpc::AddInsecureChannelFromFd(server.get(), connection.release());
  });
  const auto reply = testing::ask(unix_channel(folder / "slow.sock"), "/paastech.router.v1.Router/Publish");
  EXPECT_EQ(reply.code, grpc::StatusCode::UNIMPLEMENTED) << reply.text;  // the service's own answer
}

}  // namespace
}  // namespace paastech::rpc
