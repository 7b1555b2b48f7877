#include "domain/ssh_key.h"

#include <gtest/gtest.h>

#include "base/ids.h"

namespace paastech {
namespace {

// Made by ssh-keygen for this test; the fingerprints are what `ssh-keygen -l` printed.
const std::string kEd25519 =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsLLa8k+YwzKbXyJfbCx4B+VbKbpGCKXT/tx2UhYd2u me@ed25519-256";
const std::string kP256 =
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFRrAXGOtrFsVsaS3AuxumS9CqrV+xLelJKfql1zKfV"
    "gg+YM8GrqsP/EzezQPUxn2L8CJiVKA0fNOoPx21txiKg= me@ecdsa-256";
const std::string kP384 =
    "ecdsa-sha2-nistp384 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNLs63gD2QiEIzNd/PC83isENyHiz1G8QE7+01nKCr9"
    "x6qv+OfB28zi8otSiScADEaGOZwO5Fx6WGIl5qn9NCEFmL4iP9Bjz5ZliTjbN7nh2gpkmx3WLIchwhWPMucITrw== me@ecdsa-384";
const std::string kP521 =
    "ecdsa-sha2-nistp521 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAHkZl7/w2laa7p/HpVdK4aARUiWktz9MHOqQ5Ogp5U"
    "S9hDvE+3ERZ27cIxiKDea6L71nhdOLWBsyln9T0rXDGURTAHZK9plV21FfucNYvgnb+DDrHViIQogip/8QnOrKbVELmE4UmOr011x3H/yhaOf3Wv/"
    "BvQ"
    "SvLTdXYuv2Upphh9ntw== me@ecdsa-521";
const std::string kRsa1024 =
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDPUhQvx2+ngCd5DzCNDnvTnmGNlWjJnyXXSElbsOZjZ/4dPnzDvgzEOdTdmtOd9dI9R1kL1bTJ62Lc"
    "9k37VY/jSG+mYgTIjdNlH4Rgi2K3TXbaU0Iv7WKWUxkDBRuL0//odA9TIFbsMI0H+lptzVYk7J0CjhQZvKPvccCTFkhgOQ== me@rsa-1024";
const std::string kRsa2048 =
    "ssh-rsa "
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQDWQyAyyik+RCH0BkA2V6hPb1Lj9yQ/A9Gc3m1P5J4WFxPXm+zAPluJ60HFlfrJl00OKqthZTlFbwpH"
    "XJLiOMnnGGrsSsHCbQ9oNPmuZjva5dJwb1cQhh0VndGjmMXFgmYH1x2f94HS1XAcxxDeTfJL1YKXtN0ZxyaczMc7gnIrnuyvdCfShNBethv59jDO4y"
    "Xj"
    "74ggHAySAZrYEE3sYCdZ19j8t5xMYCVgJgSHezsfECNPzFGJiSbchIhrwCTsuoh9hFog5rQo1wuDtGJumg5y/A+lY9VSb/ot6v9F8ufLbwY6Ko+/"
    "s2e2"
    "nLrw+0CngHtLdxodjiuuyP5+VpB2hqKX me@rsa-2048";

std::string field(std::string_view value) {
  std::string out(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(value.size() >> (8 * (3 - i)) & 0xff);
  return out + std::string(value);
}

std::string line(const std::string& type, const std::string& blob) { return type + " " + base64(blob); }

TEST(SshKey, ReadsEveryTypeWithTheFingerprintOfSshKeygen) {
  const std::pair<std::string, std::string> keys[] = {
      {kEd25519, "SHA256:RsIHhTp1RyP0n6hGbw0+1Q3dl3f07TRiP/p4hr2QCy4"},
      {kP256, "SHA256:1/mQRaesSAPMKhPb3DS1j0yRqu+iBGnxip2e0iW2Ok4"},
      {kP384, "SHA256:N3ifHnNhSE+65Dx0zu0K0ueEvHw3CUimbCUouWDczug"},
      {kP521, "SHA256:cFdfjKxHd+saWml1QX5pEWMLAnkqBDhHm72/4CEaHEQ"},
      {kRsa2048, "SHA256:GxtyoEkt9fS5mEBCEgqBrNwiGtNYVzHsUIhGCDsq8jI"},
  };
  for (const auto& [text, fingerprint] : keys) {
    const Result<SshKey> key = parse_ssh_public_key(text + "\n");
    ASSERT_TRUE(key) << text << ": " << key.error().message;
    EXPECT_EQ(key->fingerprint, fingerprint);
    EXPECT_EQ(key->type + " " + key->blob64 + " " + key->comment, text);
  }
}

TEST(SshKey, TakesSecurityKeysAndNeedsTheirApplication) {
  const std::string type = "sk-ssh-ed25519@openssh.com";
  const std::string blob = field(type) + field(std::string(32, 'k'));
  EXPECT_TRUE(parse_ssh_public_key(line(type, blob + field("ssh:"))));
  EXPECT_FALSE(parse_ssh_public_key(line(type, blob)));
  const std::string ecdsa = "sk-ecdsa-sha2-nistp256@openssh.com";
  const std::string point = "\x04" + std::string(64, 'p');
  EXPECT_TRUE(parse_ssh_public_key(line(ecdsa, field(ecdsa) + field("nistp256") + field(point) + field("ssh:"))));
}

TEST(SshKey, RefusesWeakRsaSayingHowWeak) {
  const Result<SshKey> key = parse_ssh_public_key(kRsa1024);
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().message.find("1024 bits"), std::string::npos);
}

TEST(SshKey, RefusesAPrivateKeyInItsOwnWords) {
  const Result<SshKey> key = parse_ssh_public_key(
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().message.find("private key"), std::string::npos);
  EXPECT_EQ(key.error().message.find("b3BlbnNz"), std::string::npos);
}

TEST(SshKey, RefusesABlobOfAnotherTypeThanTheLineSays) {
  const std::string blob64 = kEd25519.substr(12, kEd25519.rfind(' ') - 12);
  EXPECT_FALSE(parse_ssh_public_key("ecdsa-sha2-nistp256 " + blob64));
  const std::string type = "ecdsa-sha2-nistp256";
  const std::string point = "\x04" + std::string(64, 'p');
  EXPECT_TRUE(parse_ssh_public_key(line(type, field(type) + field("nistp256") + field(point))));
  EXPECT_FALSE(parse_ssh_public_key(line(type, field(type) + field("nistp384") + field(point))));
  EXPECT_FALSE(
      parse_ssh_public_key(line(type, field(type) + field("nistp256") + field("\x02" + std::string(32, 'p')))));
}

TEST(SshKey, RefusesDamagedLines) {
  const std::string blob = field("ssh-ed25519") + field(std::string(32, 'k'));
  EXPECT_TRUE(parse_ssh_public_key(line("ssh-ed25519", blob)));
  EXPECT_FALSE(parse_ssh_public_key(line("ssh-ed25519", blob + "x")));
  EXPECT_FALSE(parse_ssh_public_key(line("ssh-ed25519", blob.substr(0, blob.size() - 1))));
  EXPECT_FALSE(parse_ssh_public_key(line("ssh-ed25519", "\xff\xff\xff\xff")));
  EXPECT_FALSE(parse_ssh_public_key("ssh-ed25519"));
  EXPECT_FALSE(parse_ssh_public_key("ssh-ed25519 !!!!"));
  EXPECT_FALSE(parse_ssh_public_key("ssh-dss AAAA"));
  EXPECT_FALSE(parse_ssh_public_key(""));
  EXPECT_FALSE(parse_ssh_public_key(kEd25519 + "\n" + kP256));
  EXPECT_FALSE(parse_ssh_public_key("command=\"x\" " + kEd25519));
  EXPECT_FALSE(parse_ssh_public_key(kEd25519 + std::string(20'000, 'c')));
}

TEST(SshKey, MakesTheCommentSafeAndShort) {
  const std::string bare = kEd25519.substr(0, kEd25519.rfind(' '));
  const Result<SshKey> key = parse_ssh_public_key(bare + " a\x1b]52;c;x\a\x07z \xc3\xa9");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->comment, "az \xc3\xa9");
  std::string long_comment = " x";
  for (int i = 0; i < 200; ++i) long_comment += "\xc3\xa9";
  const Result<SshKey> cut = parse_ssh_public_key(bare + long_comment);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->comment.size(), 199u);  // never half a character
}

}  // namespace
}  // namespace paastech
