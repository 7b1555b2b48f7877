#include "rpc/tls.h"

#include <grpcpp/security/tls_credentials_options.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "pomegranate.grpc.pb.h"
#include "rpc/authority.h"
#include "rpc/host.h"
#include "rpc/status.h"
#include "rpc/test_support.h"

namespace paastech::rpc {
namespace {

using namespace std::chrono_literals;

constexpr const char* kList = "/paastech.pomegranate.v1.Pomegranate/List";
constexpr auto kReached = grpc::StatusCode::UNIMPLEMENTED;  // the service's own answer
constexpr auto kNotReached = grpc::StatusCode::UNAVAILABLE;
constexpr std::int64_t kTwoYearsMs = 2 * 366 * kDayMs;

struct TlsTest : testing::FolderTest {
  std::filesystem::path ours = folder / "ours";
  std::filesystem::path theirs = folder / "theirs";
  std::int64_t now = SystemClock().now_ms();
  pomegranate::v1::Pomegranate::Service service;
  std::optional<TlsIdentity> identity;
  std::unique_ptr<Host> host;

  void SetUp() override {
    FolderTest::SetUp();
    ASSERT_TRUE(ensure_authority(ours, now));
    ASSERT_TRUE(ensure_authority(theirs, now));
  }
  void serve(std::int64_t as_of) {
    auto loaded = TlsIdentity::load(ours, "pomegranate", as_of, 1);
    ASSERT_TRUE(loaded) << loaded.error().message;
    identity.emplace(std::move(*loaded));
    auto started = Host::start({&service}, "", {"127.0.0.1:0", &*identity});
    ASSERT_TRUE(started) << started.error().message;
    host = std::move(*started);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(host->port()); }
  std::shared_ptr<grpc::Channel> channel(const std::filesystem::path& certificates, const std::string& role,
                                         const std::string& peer = "pomegranate") {
    const auto own = TlsIdentity::load(certificates, role, now, 1);
    EXPECT_TRUE(own) << own.error().message;
    return own->channel(address(), peer);
  }
  // A caller that trusts our authority and shows what it is given.
  std::shared_ptr<grpc::Channel> caller(std::vector<grpc::experimental::IdentityKeyCertPair> pairs) {
    const std::string root = read_file(ours / "ca.crt").value_or("");
    grpc::experimental::TlsChannelCredentialsOptions options;
    const bool shows = !pairs.empty();
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(root, std::move(pairs)));
    options.watch_root_certs();
    if (shows) options.watch_identity_key_cert_pairs();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(role_host("pomegranate"));
    return grpc::CreateCustomChannel(address(), grpc::experimental::TlsCredentials(options), arguments);
  }
  grpc::experimental::IdentityKeyCertPair pair(const std::filesystem::path& certificates, const std::string& role) {
    const RoleFiles files(certificates, role);
    return {read_file(files.key).value_or(""), read_file(files.certificate).value_or("")};
  }
};

TEST_F(TlsTest, ARoleReachesAnotherWithACertificateOfTheSameAuthority) {
  serve(now);
  EXPECT_EQ(testing::ask(channel(ours, "api"), kList).code, kReached);
  EXPECT_EQ(testing::ask(caller({pair(ours, "api")}), kList).code, kReached);
}

TEST_F(TlsTest, ARoleWithABundleThatWasIssuedForAnotherHostReachesTheOthers) {
  serve(now);
  ASSERT_TRUE(issue_bundle(ours, "api", folder / "bundle", now));
  EXPECT_EQ(testing::ask(channel(folder / "bundle", "api"), kList).code, kReached);
}

TEST_F(TlsTest, ACallerWithoutACertificateIsRefused) {
  serve(now);
  EXPECT_EQ(testing::ask(caller({}), kList).code, kNotReached);
}

TEST_F(TlsTest, ACertificateOfAnotherAuthorityIsRefusedAtBothEnds) {
  serve(now);
  EXPECT_EQ(testing::ask(caller({pair(theirs, "api")}), kList).code, kNotReached);  // by the server
  EXPECT_EQ(testing::ask(channel(theirs, "api"), kList).code, kNotReached);         // by the caller
}

TEST_F(TlsTest, ACertificateThatIsNoRolesIsRefused) {
  serve(now);
  // The authority's own: it verifies, and names no role.
  const testing::Reply reply =
      testing::ask(caller({{read_file(ours / "ca.key").value_or(""), read_file(ours / "ca.crt").value_or("")}}), kList);
  EXPECT_TRUE(reply.code == kNotReached || reply.code == grpc::StatusCode::UNAUTHENTICATED) << reply.text;
}

TEST_F(TlsTest, ACallerDoesNotTakeOneRoleForAnother) {
  serve(now);
  EXPECT_EQ(testing::ask(channel(ours, "api", "router"), kList).code, kNotReached);
}

TEST_F(TlsTest, PlaintextToThePortIsRefused) {
  serve(now);
  const auto plain = grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
  EXPECT_EQ(testing::ask(plain, kList).code, kNotReached);
}

TEST_F(TlsTest, ARoleThatIsNotReachedIsToldWithoutItsAddress) {
  serve(now);
  const auto over_tcp = channel(ours, "api");
  host.reset();
  for (const auto& each : {over_tcp, unix_channel(folder / "none.sock")}) {
    const testing::Reply reply = testing::ask(each, kList);
    ASSERT_EQ(reply.code, kNotReached);
    const Error error = from_grpc({reply.code, reply.text});
    EXPECT_EQ(error.code, Code::kUnavailable);
    EXPECT_EQ(error.message, "a part of the Service does not answer") << reply.text;
  }
  EXPECT_EQ(from_grpc({kNotReached, "recvmsg:Connection reset by peer"}).message,
            "a part of the Service does not answer");
  EXPECT_EQ(from_grpc({kNotReached, "the Docker Engine does not answer"}).message, "the Docker Engine does not answer");
}

TEST(FromGrpc, ARoleThatIsTooLateIsToldAsOneThatIsAway) {
  const grpc::Status late(grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded");  // gRPC's own words
  EXPECT_EQ(from_grpc(late).code, Code::kUnavailable);
  EXPECT_FALSE(from_grpc(late).hint.empty());
  const grpc::Status ours(grpc::StatusCode::DEADLINE_EXCEEDED, "archiving the commit took over 10 minutes");
  EXPECT_EQ(from_grpc(ours).code, Code::kDeadlineExceeded);
}

TEST_F(TlsTest, APortThatIsTakenIsNamed) {
  serve(now);
  const auto second = Host::start({&service}, "", {address(), &*identity});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_NE(second.error().message.find(address()), std::string::npos) << second.error().message;
}

TEST_F(TlsTest, NothingListensOnTcpWithoutACertificate) {
  EXPECT_FALSE(Host::start({&service}, "", {"127.0.0.1:0", nullptr}));
}

// Until the deadline, for the files are read again every second.
testing::Reply ask_until_reached(const std::shared_ptr<grpc::Channel>& channel) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  testing::Reply reply;
  do {
    reply = testing::ask(channel, kList);
    if (reply.code == kReached) break;
    std::this_thread::sleep_for(50ms);
  } while (std::chrono::steady_clock::now() < end);
  return reply;
}

TEST_F(TlsTest, AnExpiredCallerIsRefusedUntilItsCertificateIsRenewedWithoutARestart) {
  serve(now);
  const auto bundle = folder / "bundle";
  ASSERT_TRUE(issue_bundle(ours, "api", bundle, now - kTwoYearsMs));
  const auto own = TlsIdentity::load(bundle, "api", now - kTwoYearsMs, 1);
  ASSERT_TRUE(own) << own.error().message;
  const auto expired = own->channel(address(), "pomegranate");
  EXPECT_EQ(testing::ask(expired, kList).code, kNotReached);
  ASSERT_TRUE(issue_bundle(ours, "api", bundle, now));
  const testing::Reply reply = ask_until_reached(expired);
  EXPECT_EQ(reply.code, kReached) << reply.text;
}

TEST_F(TlsTest, AnExpiredServerIsRefusedUntilItsCertificateIsRenewedWithoutARestart) {
  ASSERT_TRUE(issue_bundle(ours, "pomegranate", ours, now - kTwoYearsMs));
  serve(now - kTwoYearsMs);
  const auto api = channel(ours, "api");
  EXPECT_EQ(testing::ask(api, kList).code, kNotReached);
  ASSERT_TRUE(ensure_authority(ours, now));
  const testing::Reply reply = ask_until_reached(api);
  EXPECT_EQ(reply.code, kReached) << reply.text;
}

TEST_F(TlsTest, LoadingNamesTheFileThatCannotServe) {
  const RoleFiles files(ours, "git");
  const auto refused = [&](const std::string& expected) {
    const auto loaded = TlsIdentity::load(ours, "git", now);
    ASSERT_FALSE(loaded) << expected;
    EXPECT_NE(loaded.error().message.find(expected), std::string::npos) << loaded.error().message;
    EXPECT_FALSE(loaded.error().hint.empty()) << expected;
  };
  ASSERT_TRUE(TlsIdentity::load(ours, "git", now));
  std::filesystem::permissions(files.key, std::filesystem::perms(0644));
  refused("git.key can be read by other users");
  std::filesystem::permissions(files.key, std::filesystem::perms(0600));
  ASSERT_TRUE(issue_bundle(ours, "git", ours, now - kTwoYearsMs));
  refused("git.crt expired at ");
  ASSERT_TRUE(issue_bundle(ours, "git", ours, now + kTwoYearsMs));
  refused("git.crt is not valid before ");
  ASSERT_TRUE(write_file(files.certificate, read_file(ours / "api.crt").value_or("")));
  refused("git.crt was made for another key");
  ASSERT_TRUE(write_file(files.key, read_file(ours / "api.key").value_or(""), 0600));
  refused("git.crt is not a certificate of the role git");
  ASSERT_TRUE(write_file(files.key, read_file(theirs / "git.key").value_or(""), 0600));
  ASSERT_TRUE(write_file(files.certificate, read_file(theirs / "git.crt").value_or("")));
  refused("git.crt was signed by another authority");
  ASSERT_TRUE(write_file(files.authority, "nothing"));
  refused("ca.crt holds no certificate");
  for (const auto& file : {files.key, files.certificate, files.authority}) {
    std::filesystem::remove(file);
    refused(file.filename().string() + " is missing");
  }
}

}  // namespace
}  // namespace paastech::rpc
