#include "rpc/allow.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>

#include "base/clock.h"
#include "gateway.grpc.pb.h"
#include "pomegranate.grpc.pb.h"
#include "repositories.grpc.pb.h"
#include "router.grpc.pb.h"
#include "rpc/authority.h"
#include "rpc/host.h"
#include "rpc/test_support.h"
#include "rpc/tls.h"

namespace paastech::rpc {
namespace {

// Who calls a service, told independently of the table: docs/architecture.md, the first drawing.
const std::map<std::string, std::string> kCallerOf = {
    {"paastech.gateway.v1.GitGateway", "git"},
    {"paastech.repositories.v1.Repositories", "api"},
    {"paastech.pomegranate.v1.Pomegranate", "api"},
    {"paastech.router.v1.Router", "api"},
};

struct Method {
  std::string service;
  std::string path;
};

// Every method of every file of proto/, from what the build made of the whole folder.
std::vector<Method> every_method() {
  std::ifstream in(PAASTECH_CONTRACTS, std::ios::binary);
  google::protobuf::FileDescriptorSet files;
  EXPECT_TRUE(files.ParseFromIstream(&in));
  std::vector<Method> all;
  for (const auto& file : files.file())
    for (const auto& service : file.service())
      for (const auto& method : service.method()) {
        const std::string name = file.package() + "." + service.name();
        all.push_back({name, "/" + name + "/" + method.name()});
      }
  return all;
}

TEST(RpcRules, EveryMethodOfEveryContractHasOneAndNoneIsLeftOver) {
  const std::vector<Method> methods = every_method();
  ASSERT_GE(methods.size(), 20u);
  for (const Method& method : methods) {
    EXPECT_EQ(std::ranges::count(rules(), method.path, &Rule::method), 1) << method.path << ": see src/rpc/allow.cc";
    EXPECT_TRUE(kCallerOf.contains(method.service)) << method.service << ": say here who calls it";
  }
  for (const Rule& rule : rules()) {
    if (rule.method == testing::kHealth) continue;
    EXPECT_EQ(std::ranges::count(methods, rule.method, &Method::path), 1) << rule.method << " is in no contract";
  }
}

TEST(RpcRules, DenyWhatTheyDoNotName) {
  EXPECT_TRUE(allowed("api", "/paastech.router.v1.Router/Publish"));
  for (const char* method : {"", "/", "/paastech.router.v1.Router/", "/paastech.router.v1.Router/Unheard",
                             "/paastech.router.v1.Router/PublishMore", "paastech.router.v1.Router/Publish"})
    for (const std::string_view role : kRoles) EXPECT_FALSE(allowed(role, method)) << role << ' ' << method;
  for (const char* role : {"", "API", "admin", "api "})
    EXPECT_FALSE(allowed(role, "/paastech.router.v1.Router/Publish")) << role;
}

// A server with every service behind the gate. Its methods all answer UNIMPLEMENTED to those who reach them.
struct GateTest : testing::FolderTest {
  gateway::v1::GitGateway::Service gateway;
  repositories::v1::Repositories::Service repositories;
  pomegranate::v1::Pomegranate::Service pomegranate;
  router::v1::Router::Service router;
  std::optional<TlsIdentity> server;
  std::unique_ptr<Host> host;

  void SetUp() override {
    FolderTest::SetUp();
    ASSERT_TRUE(ensure_authority(folder, SystemClock().now_ms()));
    auto identity = TlsIdentity::load(folder, "pomegranate", SystemClock().now_ms());
    ASSERT_TRUE(identity) << identity.error().message;
    server.emplace(std::move(*identity));
    auto started =
        Host::start({&gateway, &repositories, &pomegranate, &router}, folder / "x.sock", {"127.0.0.1:0", &*server});
    ASSERT_TRUE(started) << started.error().message;
    host = std::move(*started);
  }
  std::shared_ptr<grpc::Channel> channel_of(std::string_view role) {
    const auto identity = TlsIdentity::load(folder, role, SystemClock().now_ms());
    EXPECT_TRUE(identity) << identity.error().message;
    return identity->channel("127.0.0.1:" + std::to_string(host->port()), "pomegranate");
  }
};

TEST_F(GateTest, LetsEachRoleCallItsOwnMethodsOfEveryContractAndNoOthers) {
  for (const std::string_view role : kRoles) {
    const auto channel = channel_of(role);
    for (const Method& method : every_method()) {
      const bool own = kCallerOf.contains(method.service) && kCallerOf.at(method.service) == role;
      const testing::Reply reply = testing::ask(channel, method.path);
      EXPECT_EQ(reply.code, own ? grpc::StatusCode::UNIMPLEMENTED : grpc::StatusCode::PERMISSION_DENIED)
          << role << " calls " << method.path << ": " << reply.text;
    }
  }
}

TEST_F(GateTest, HoldsTheStandardServicesAndUnknownMethodsToo) {
  for (const std::string_view role : kRoles) {
    const auto channel = channel_of(role);
    const bool caller = role == "api" || role == "git";
    EXPECT_EQ(testing::ask(channel, testing::kHealth).code,
              caller ? grpc::StatusCode::OK : grpc::StatusCode::PERMISSION_DENIED)
        << role;
    for (const char* method : {testing::kReflection, "/grpc.health.v1.Health/Watch", "/some.Service/Method",
                               "/paastech.router.v1.Router/Unheard"})
      EXPECT_EQ(testing::ask(channel, method).code, grpc::StatusCode::PERMISSION_DENIED) << role << ' ' << method;
  }
}

TEST_F(GateTest, IsNotInTheWayInProcessAndOnTheUnixSocket) {
  for (const auto& channel : {host->channel(), unix_channel(folder / "x.sock")}) {
    EXPECT_EQ(testing::ask(channel, testing::kHealth).text, testing::kServing);
    EXPECT_EQ(testing::ask(channel, testing::kReflection, "\x3a\x01*").code, grpc::StatusCode::OK);
    for (const Method& method : every_method())
      EXPECT_EQ(testing::ask(channel, method.path).code, grpc::StatusCode::UNIMPLEMENTED) << method.path;
  }
}

TEST_F(GateTest, SaysWhichRoleMayNotCallWhat) {
  const testing::Reply reply = testing::ask(channel_of("git"), "/paastech.pomegranate.v1.Pomegranate/List");
  EXPECT_NE(reply.text.find("the role git may not call /paastech.pomegranate.v1.Pomegranate/List"), std::string::npos)
      << reply.text;
}

}  // namespace
}  // namespace paastech::rpc
