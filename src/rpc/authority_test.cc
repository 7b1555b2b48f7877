#include "rpc/authority.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <thread>

#include "base/files.h"
#include "rpc/allow.h"
#include "rpc/certificate.h"
#include "rpc/test_support.h"
#include "rpc/tls.h"

namespace paastech::rpc {
namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;  // some day of 2027

struct AuthorityTest : testing::FolderTest {
  std::filesystem::path home = folder / "authority";
  std::string read(const std::string& name) { return read_file(home / name).value_or("missing"); }
  unsigned mode(const std::filesystem::path& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
  }
};

TEST_F(AuthorityTest, MakesAKeyAndACertificateForEachRoleAtFirstStart) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  EXPECT_EQ(mode(home), 0700u);
  EXPECT_EQ(mode(home / "ca.key"), 0600u);
  for (const std::string_view role : kRoles) {
    const RoleFiles files(home, role);
    EXPECT_EQ(mode(files.key), 0600u);
    const auto facts = check_role_files(files, role, kNow);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_EQ(facts->role, role);
    EXPECT_FALSE(facts->authority);
    EXPECT_EQ(facts->expires_ms, kNow + kRoleDays * kDayMs);
  }
  const auto authority = read_certificate(read("ca.crt"));
  ASSERT_TRUE(authority);
  EXPECT_TRUE(authority->authority);
  EXPECT_EQ(authority->role, "");
}

TEST_F(AuthorityTest, RenewsACertificateForTheSameKeyWhereLessThanThirtyDaysAreLeftAndNotBefore) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  const std::string key = read("git.key");
  const std::string first = read("git.crt");
  ASSERT_TRUE(ensure_authority(home, kNow + (kRoleDays - kRenewDays) * kDayMs));
  EXPECT_EQ(read("git.crt"), first);
  const std::int64_t later = kNow + (kRoleDays - kRenewDays) * kDayMs + 1;
  ASSERT_TRUE(ensure_authority(home, later));
  EXPECT_NE(read("git.crt"), first);
  EXPECT_EQ(read("git.key"), key);
  const auto facts = check_role_files(RoleFiles(home, "git"), "git", later);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->expires_ms / 1000, (later + kRoleDays * kDayMs) / 1000);
}

TEST_F(AuthorityTest, MakesADamagedOrForeignCertificateAnew) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  ASSERT_TRUE(ensure_authority(folder / "other", kNow));
  const std::string bad[] = {"", "no certificate", read("api.crt"),
                             read_file(folder / "other" / "git.crt").value_or("missing")};
  for (const std::string& content : bad) {
    ASSERT_TRUE(write_file(home / "git.crt", content));
    ASSERT_FALSE(check_role_files(RoleFiles(home, "git"), "git", kNow)) << content;
    ASSERT_TRUE(ensure_authority(home, kNow));
    EXPECT_TRUE(check_role_files(RoleFiles(home, "git"), "git", kNow)) << content;
  }
}

TEST_F(AuthorityTest, GoesOnWhereAFirstStartWasCutOff) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  const std::string key = read("ca.key");
  for (const char* name : {"ca.crt", "api.crt", "git.key", "git.crt", "router.crt"})
    std::filesystem::remove(home / name);
  ASSERT_TRUE(ensure_authority(home, kNow));
  EXPECT_EQ(read("ca.key"), key);
  for (const std::string_view role : kRoles) EXPECT_TRUE(check_role_files(RoleFiles(home, role), role, kNow)) << role;
}

TEST_F(AuthorityTest, StartedTwiceAtOnceMakesOne) {
  std::vector<Status> done(4);
  {
    std::vector<std::jthread> starts;
    for (Status& each : done) starts.emplace_back([&] { each = ensure_authority(home, kNow); });
  }
  for (const Status& each : done) EXPECT_TRUE(each) << each.error().message;
  for (const std::string_view role : kRoles) EXPECT_TRUE(check_role_files(RoleFiles(home, role), role, kNow)) << role;
}

TEST_F(AuthorityTest, RefusesAKeyThatOthersCanReadAndSaysTheChmod) {
  for (const char* name : {"ca.key", "git.key"}) {
    ASSERT_TRUE(ensure_authority(home, kNow));
    std::filesystem::permissions(home / name, std::filesystem::perms(0640));
    const Status done = ensure_authority(home, kNow);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, Code::kFailedPrecondition);
    EXPECT_NE(done.error().message.find(name), std::string::npos) << done.error().message;
    EXPECT_EQ(done.error().hint, "run: chmod 600 " + (home / name).string());
    std::filesystem::permissions(home / name, std::filesystem::perms(0600));
    EXPECT_TRUE(ensure_authority(home, kNow));
  }
  std::filesystem::permissions(home, std::filesystem::perms(0777));
  const Status done = ensure_authority(home, kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().hint, "run: chmod go-w " + home.string());
}

std::string rsa_key(unsigned bits) {
  EVP_PKEY* key = EVP_RSA_gen(bits);
  BIO* out = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  ::BIO_free(out);
  ::EVP_PKEY_free(key);
  return text;
}

TEST_F(AuthorityTest, RefusesAWeakOrDamagedKeyAndNamesIt) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  for (const char* name : {"ca.key", "git.key"}) {
    const std::string good = read(name);
    for (const std::string& bad : {std::string("no key"), std::string(), rsa_key(1024)}) {
      ASSERT_TRUE(write_file(home / name, bad, 0600));
      const Status done = ensure_authority(home, kNow);
      ASSERT_FALSE(done) << name;
      EXPECT_EQ(done.error().code, Code::kFailedPrecondition);
      EXPECT_NE(done.error().message.find(name), std::string::npos) << done.error().message;
      EXPECT_FALSE(done.error().hint.empty());
    }
    ASSERT_TRUE(write_file(home / name, good, 0600));
    EXPECT_TRUE(ensure_authority(home, kNow));
  }
}

TEST_F(AuthorityTest, RefusesAnAuthorityWithoutItsKeyWithAnotherKeyOrExpired) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  const Status expired = ensure_authority(home, kNow + (kAuthorityDays + 1) * kDayMs);
  ASSERT_FALSE(expired);
  EXPECT_NE(expired.error().message.find("ca.crt has expired"), std::string::npos) << expired.error().message;
  const std::string key = read("ca.key");
  ASSERT_TRUE(write_file(home / "ca.key", read("git.key"), 0600));
  const Status other = ensure_authority(home, kNow);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("was made for another key"), std::string::npos) << other.error().message;
  std::filesystem::remove(home / "ca.key");
  const Status missing = ensure_authority(home, kNow);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("ca.key is missing"), std::string::npos) << missing.error().message;
  ASSERT_TRUE(write_file(home / "ca.key", key, 0600));
  EXPECT_TRUE(ensure_authority(home, kNow));
}

TEST_F(AuthorityTest, ACertificateNeverOutlivesTheAuthority) {
  ASSERT_TRUE(ensure_authority(home, kNow));
  const std::int64_t late = kNow + (kAuthorityDays - 100) * kDayMs;
  ASSERT_TRUE(ensure_authority(home, late));
  const auto facts = check_role_files(RoleFiles(home, "api"), "api", late);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->expires_ms, read_certificate(read("ca.crt"))->expires_ms);
}

TEST_F(AuthorityTest, IssuesABundleForAnotherHostAndRenewsItForItsKey) {
  const auto out = folder / "bundle";
  const auto expires = issue_bundle(home, "git", out, kNow);
  ASSERT_TRUE(expires) << expires.error().message;
  EXPECT_EQ(*expires, kNow + kRoleDays * kDayMs);
  ASSERT_TRUE(ensure_authority(home, kNow));
  EXPECT_EQ(read_file(out / "ca.crt").value_or(""), read("ca.crt"));
  EXPECT_EQ(mode(out), 0700u);
  EXPECT_EQ(mode(out / "git.key"), 0600u);
  EXPECT_TRUE(check_role_files(RoleFiles(out, "git"), "git", kNow));
  EXPECT_FALSE(std::filesystem::exists(out / "ca.key"));
  const std::string key = read_file(out / "git.key").value_or("");
  EXPECT_NE(key, read("git.key"));
  const auto again = issue_bundle(home, "git", out, kNow + kDayMs);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *expires + kDayMs);
  EXPECT_EQ(read_file(out / "git.key").value_or(""), key);
}

TEST_F(AuthorityTest, IssuesForRolesAlone) {
  for (const char* name : {"", "admin", "../api", "Git"}) {
    const auto done = issue_bundle(home, name, folder / "bundle", kNow);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace paastech::rpc
