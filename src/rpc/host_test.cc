#include "rpc/host.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

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

}  // namespace
}  // namespace paastech::rpc
