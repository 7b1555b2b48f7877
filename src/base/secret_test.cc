#include "base/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "base/ids.h"

namespace paastech {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct SecretTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-secret-" + new_uuid());
  std::filesystem::path file = folder / "secret.key";
  void SetUp() override {
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(read_or_make_keys(file, 1));
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  SecretBox box() { return SecretBox::of_file(file).value(); }
};

// Made with libsodium's XChaCha20-Poly1305 and the key of 32 times 'k', in the form of before there were several keys.
constexpr std::string_view kFormerValue =
    "v1:bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ulNi+1KotSuCM0j8atl7Kh2/ed9+sb4tMF/IGJLjw+0zT";

TEST_F(SecretTest, OpensTheFormOfBeforeWithK1) {
  const SecretBox former(std::string(kKeyBytes, 'k'));
  EXPECT_EQ(former.open(kFormerValue, "environment/p/NAME").value(), "a value of before");
  EXPECT_EQ(sealing_key_of(kFormerValue), "k1");
  EXPECT_FALSE(former.open(kFormerValue, "environment/q/NAME"));
  EXPECT_FALSE(box().open(kFormerValue, "environment/p/NAME"));
}

TEST_F(SecretTest, ASealedValueNamesItsKeyAndOpensOnlyInItsPlace) {
  const SecretBox mine = box();
  const std::string sealed = mine.seal("canary", "environment/p/NAME");
  EXPECT_THAT(sealed, StartsWith("v2:k1:"));
  EXPECT_THAT(sealed, Not(HasSubstr("canary")));
  EXPECT_EQ(mine.open(sealed, "environment/p/NAME").value(), "canary");
  EXPECT_NE(mine.seal("canary", "environment/p/NAME"), sealed) << "another nonce each time";
  for (const std::string other : {"environment/q/NAME", "environment/p/NAM", "environment/p/NAMES", ""}) {
    const Result<std::string> moved = mine.open(sealed, other);
    ASSERT_FALSE(moved) << other;
    EXPECT_EQ(moved.error().code, Code::kInternal);
    EXPECT_THAT(moved.error().message, HasSubstr("the sealed value " + other + " does not open"));
  }
}

TEST_F(SecretTest, AChangedValueDoesNotOpen) {
  const SecretBox mine = box();
  const std::string sealed = mine.seal("canary", "c");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(mine.open(changed, "c")) << changed;
    EXPECT_FALSE(mine.open(sealed.substr(0, i), "c")) << i;
  }
  EXPECT_TRUE(mine.open(sealed, "c")) << "the control";
  EXPECT_EQ(sealing_key_of("plain text"), "");
  EXPECT_EQ(sealing_key_of("v2:k1"), "");
}

TEST_F(SecretTest, EmptyAndBinaryValuesComeBack) {
  const SecretBox mine = box();
  for (const std::string& value : {std::string(), std::string(3, '\0'), random_bytes(100'000)})
    EXPECT_EQ(mine.open(mine.seal(value, "c"), "c").value(), value);
}

TEST_F(SecretTest, LearnsOfANewKeyWithoutARestart) {
  const SecretBox running = box();
  const std::string before = running.seal("old", "c");
  ASSERT_TRUE(add_key(file, 2));
  const SecretBox rotating = box();
  const std::string after = rotating.seal("new", "c");
  EXPECT_THAT(after, StartsWith("v2:k2:"));
  EXPECT_EQ(running.open(after, "c").value(), "new") << "an unknown key: the file is read again";
  EXPECT_EQ(running.open(before, "c").value(), "old");
  ASSERT_TRUE(add_key(file, 3));
  EXPECT_THAT(running.seal("x", "c"), StartsWith("v2:k3:"));
  EXPECT_EQ(running.newest_key(), "k3");
}

TEST_F(SecretTest, AnUnknownKeyIsNamed) {
  const SecretBox mine = box();
  const Result<std::string> opened = mine.open("v2:k7:" + base64(random_bytes(60)), "environment/p/NAME");
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("environment/p/NAME was sealed with key k7"));
  EXPECT_THAT(opened.error().hint, HasSubstr("secret.key"));
}

TEST_F(SecretTest, OpensWhatItKnewAfterTheKeyWasDropped) {
  const SecretBox running = box();
  const std::string before = running.seal("old", "c");
  ASSERT_TRUE(add_key(file, 2));
  ASSERT_TRUE(drop_keys(file, {"k1"}));
  EXPECT_THAT(running.seal("x", "c"), StartsWith("v2:k2:"));
  EXPECT_EQ(running.open(before, "c").value(), "old") << "it may have been read before";
  EXPECT_FALSE(box().open(before, "c"));
}

TEST_F(SecretTest, GoesOnWithTheKeysItKnowsWhileTheFileCannotBeRead) {
  const SecretBox running = box();
  const std::string content = read_file(file).value();
  ASSERT_TRUE(write_file(file, "damaged", 0600));
  const std::string sealed = running.seal("x", "c");
  EXPECT_THAT(sealed, StartsWith("v2:k1:"));
  std::filesystem::remove(file);
  EXPECT_EQ(running.open(running.seal("x", "c"), "c").value(), "x");
  ASSERT_TRUE(write_file(file, content, 0600));
  ASSERT_TRUE(add_key(file, 2));
  EXPECT_THAT(running.seal("x", "c"), StartsWith("v2:k2:"));
  EXPECT_EQ(running.open(sealed, "c").value(), "x");
}

TEST_F(SecretTest, SealsAndOpensFromManyThreadsWhileKeysAreAddedAndDropped) {
  constexpr int kRotations = 30;
  const SecretBox shared = box();
  std::atomic<bool> rotating = true;
  std::atomic<int> failed = 0;
  std::atomic<long> done = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        const std::string context = "c/" + std::to_string(t);
        std::string kept = shared.seal("kept", context);
        while (rotating || done < 1000) {
          const std::string value = random_bytes(40);
          const Result<std::string> back = shared.open(shared.seal(value, context), context);
          if (!back || *back != value || shared.open(kept, context).value_or("") != "kept") ++failed;
          ++done;
        }
      });
    for (int i = 0; i < kRotations; ++i) {
      const Result<Keyring> longer = add_key(file, i);
      ASSERT_TRUE(longer);
      shared.newest_key();
      if (longer->keys().size() > 3) {
        ASSERT_TRUE(drop_keys(file, {longer->keys().front().id}));
      }
    }
    rotating = false;
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(shared.newest_key(), "k" + std::to_string(kRotations + 1));
}

TEST(Password, IsTheSameHoweverUnicodeWritesIt) {
  const std::string hash = hash_password("pass w\u00f6rt\u00e9");
  EXPECT_TRUE(verify_password(hash, "pass w\u00f6rt\u00e9"));
  EXPECT_TRUE(verify_password(hash, "pass wo\u0308rte\u0301")) << "as a Mac sends it";
  EXPECT_FALSE(verify_password(hash, "pass worte"));
  EXPECT_FALSE(verify_password(hash, "pass w\xff"));
}

}  // namespace
}  // namespace paastech
