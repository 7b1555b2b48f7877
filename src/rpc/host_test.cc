#include "rpc/host.h"

#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/ids.h"
#include "router.grpc.pb.h"

namespace paastech::rpc {
namespace {

using namespace std::chrono_literals;

// The standard services have no generated code in Debian's package, so their messages are written as bytes here.
grpc::ByteBuffer bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (buffer.Valid() && buffer.Dump(&slices).ok())
    for (const grpc::Slice& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

// One message to a method and the first one back; the status of the failure where none comes.
std::string ask(const std::shared_ptr<grpc::Channel>& channel, const std::string& method, const std::string& message) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 10s);
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto call = stub.PrepareCall(&context, method, &queue);
  const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  bool fine = step();
  call->Write(bytes(message), nullptr);
  fine = fine && step();
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  fine = step() && fine;
  const std::string out = fine ? text_of(answer) : std::string();
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  (void)queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return fine ? out : "failed: " + status.error_message();
}

struct HostTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("pt-host-" + new_uuid().substr(0, 8));
  router::v1::Router::Service service;
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
};

constexpr const char* kHealth = "/grpc.health.v1.Health/Check";
constexpr const char* kReflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

TEST_F(HostTest, AnswersTheStandardHealthCheckAndReflectionInProcessAndOnItsSocket) {
  const auto host = Host::start({&service}, folder / "x.sock");
  ASSERT_TRUE(host) << host.error().message;
  for (const auto& channel : {(*host)->channel(), unix_channel(folder / "x.sock")}) {
    EXPECT_EQ(ask(channel, kHealth, ""), "\x08\x01");  // status = SERVING
    // list_services = "*"
    const std::string listed = ask(channel, kReflection, "\x3a\x01*");
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
