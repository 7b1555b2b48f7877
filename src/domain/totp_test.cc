#include "domain/totp.h"

#include <gtest/gtest.h>

#include <set>

namespace paastech {
namespace {

const std::string kSeed = "12345678901234567890";

// RFC 6238, appendix B, SHA-1; of its 8 digits the last 6.
TEST(Totp, GivesTheCodesOfTheRfc) {
  const std::pair<std::int64_t, std::string> vectors[] = {{59, "287082"},         {1111111109, "081804"},
                                                          {1111111111, "050471"}, {1234567890, "005924"},
                                                          {2000000000, "279037"}, {20000000000, "353130"}};
  for (const auto& [seconds, code] : vectors)
    EXPECT_EQ(totp_code(kSeed, totp_step_at(seconds * 1000)), code) << seconds;
}

// RFC 4226, appendix D.
TEST(Totp, GivesTheCodesOfTheCounterRfc) {
  const std::string codes[] = {"755224", "287082", "359152", "969429", "338314",
                               "254676", "287922", "162583", "399871", "520489"};
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(totp_code(kSeed, static_cast<std::int64_t>(i)), codes[i]);
}

TEST(Totp, TakesTheStepBeforeAndAfterAndNoOther) {
  const std::int64_t now = 1'800'000'000'000;
  const std::int64_t step = totp_step_at(now);
  for (std::int64_t away = -3; away <= 3; ++away) {
    const auto found = totp_step_of(kSeed, totp_code(kSeed, step + away), now, 0);
    EXPECT_EQ(found.has_value(), away >= -1 && away <= 1) << away;
    if (found) {
      EXPECT_EQ(*found, step + away);
    }
  }
}

TEST(Totp, TakesNoCodeTwiceAndNoneBeforeAUsedOne) {
  const std::int64_t now = 1'800'000'000'000;
  const std::int64_t step = totp_step_at(now);
  EXPECT_TRUE(totp_step_of(kSeed, totp_code(kSeed, step), now, step - 1));
  EXPECT_FALSE(totp_step_of(kSeed, totp_code(kSeed, step), now, step));
  EXPECT_FALSE(totp_step_of(kSeed, totp_code(kSeed, step - 1), now, step));
  EXPECT_TRUE(totp_step_of(kSeed, totp_code(kSeed, step + 1), now, step));
}

TEST(Totp, ReadsACodeAsAppsShowIt) {
  const std::int64_t now = 59'000;
  EXPECT_TRUE(is_totp_code("287 082"));
  EXPECT_TRUE(totp_step_of(kSeed, "287 082", now, 0));
  for (const char* other : {"", "28708", "2870823", "28708a", "AAAA-BBBB-CCCC-DDDD"}) {
    EXPECT_FALSE(is_totp_code(other));
    EXPECT_FALSE(totp_step_of(kSeed, other, now, 0));
  }
}

TEST(Totp, IsDescribedToAnApp) {
  EXPECT_EQ(totp_uri(kSeed, "PaaSTech localhost", "ada@example.org"),
            "otpauth://totp/PaaSTech%20localhost:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&issuer=PaaSTech%20localhost&algorithm=SHA1&digits=6&period=30");
}

// RFC 4648 section 10, without padding.
TEST(Base32, WritesTheExamplesOfTheRfc) {
  const std::pair<std::string, std::string> examples[] = {{"", ""},
                                                          {"f", "MY"},
                                                          {"fo", "MZXQ"},
                                                          {"foo", "MZXW6"},
                                                          {"foob", "MZXW6YQ"},
                                                          {"fooba", "MZXW6YTB"},
                                                          {"foobar", "MZXW6YTBOI"}};
  for (const auto& [text, encoded] : examples) EXPECT_EQ(base32(text), encoded);
}

TEST(RecoveryCode, IsReadHoweverItIsWritten) {
  const std::string code = recovery_code_of(std::string("\x00\x44\x32\x14\xc7\x42\x54\xb6\x35\xcf", 10));
  EXPECT_EQ(code, "ABCD-EFGH-IJKL-MNOP");
  EXPECT_EQ(normal_recovery_code(code), "ABCDEFGHIJKLMNOP");
  EXPECT_EQ(normal_recovery_code(" abcd efgh-ijkl mnop "), "ABCDEFGHIJKLMNOP");
  EXPECT_FALSE(is_totp_code(code));
}

}  // namespace
}  // namespace paastech
