#include "base/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/files.h"
#include "base/ids.h"

namespace paastech {
namespace {

using testing::HasSubstr;
using testing::Not;

struct KeyringTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-keys-" + new_uuid());
  std::filesystem::path file = folder / "secret.key";
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void write(const std::string& content, unsigned mode = 0600) { ASSERT_TRUE(write_file(file, content, mode)); }
  std::vector<std::string> ids() {
    std::vector<std::string> all;
    const Result<Keyring> keys = read_keys(file);
    EXPECT_TRUE(keys) << keys.error().message;
    if (keys)
      for (const SealingKey& key : keys->keys()) all.push_back(key.id);
    return all;
  }
  unsigned mode() {
    struct stat info{};
    return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
};

TEST_F(KeyringTest, IsMadeOnceAndOnlyForItsOwner) {
  EXPECT_EQ(read_keys(file).error().code, Code::kNotFound);
  const Result<Keyring> made = read_or_make_keys(file, 7);
  ASSERT_TRUE(made);
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(made->newest().id, "k1");
  EXPECT_EQ(made->newest().created_at, 7);
  EXPECT_EQ(read_or_make_keys(file, 8)->newest().bytes, made->newest().bytes);
  std::filesystem::remove(file);
  EXPECT_NE(read_or_make_keys(file, 9)->newest().bytes, made->newest().bytes);
}

TEST_F(KeyringTest, TakesOverTheRawFormAsK1) {
  const std::string raw = random_bytes(kKeyBytes);
  write(raw);
  EXPECT_EQ(read_keys(file)->newest().bytes, raw);
  EXPECT_EQ(read_file(file).value(), raw) << "reading alone must not change it";
  const Result<Keyring> taken = read_or_make_keys(file, 7);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->newest().id, "k1");
  EXPECT_EQ(taken->newest().bytes, raw);
  EXPECT_GT(taken->newest().created_at, 1'600'000'000'000) << "the date of the file";
  EXPECT_EQ(read_keys(file)->newest().bytes, raw);
  EXPECT_THAT(read_file(file).value(), HasSubstr("k1 " + base64(raw) + " "));
  EXPECT_EQ(mode(), 0600u);
}

TEST_F(KeyringTest, GrowsAtTheEndAndNeverUsesAnIdAgain) {
  ASSERT_TRUE(read_or_make_keys(file, 1));
  ASSERT_TRUE(add_key(file, 2));
  ASSERT_TRUE(add_key(file, 3));
  EXPECT_THAT(ids(), testing::ElementsAre("k1", "k2", "k3"));
  ASSERT_TRUE(drop_keys(file, {"k1", "k2"}));
  EXPECT_THAT(ids(), testing::ElementsAre("k3"));
  EXPECT_FALSE(drop_keys(file, {"k3"})) << "it seals";
  ASSERT_TRUE(add_key(file, 4));
  EXPECT_THAT(ids(), testing::ElementsAre("k3", "k4"));
  EXPECT_EQ(mode(), 0600u);
}

// Threat 34.
TEST_F(KeyringTest, AFileThatOthersReadOrThatHoldsNoGoodKeyIsRefused) {
  const std::string good = base64(random_bytes(kKeyBytes));
  const struct {
    std::string content;
    const char* says;
  } bad[] = {
      {"", "empty"},
      {std::string(31, 'x'), "31 bytes"},
      {std::string(32, '\0'), "not random"},
      {std::string(32, 'a'), "not random"},
      {"k1 " + good + "\n", "line 1 is not"},
      {"x1 " + good + " 5\n", "line 1 is not"},
      {"k0 " + good + " 5\n", "line 1 is not"},
      {"k01 " + good + " 5\n", "line 1 is not"},
      {"k1 " + good + " 5\n\nk2 " + good + " 6\n", "line 2 is not"},
      {"k1 " + good + " 5\nk2 " + base64(random_bytes(16)) + " 6\n", "line 2 does not hold a key"},
      {"k1 " + base64(std::string(32, '\0')) + " 5\n", "line 1 holds a key that is not random"},
      {"k1 " + good + " soon\n", "line 1 has no date"},
      {"k1 " + good + " 5\nk1 " + good + " 6\n", "two keys k1"},
  };
  for (const auto& [content, says] : bad) {
    write(content);
    for (const Result<Keyring>& read : {read_keys(file), read_or_make_keys(file, 1), add_key(file, 1)}) {
      ASSERT_FALSE(read) << content;
      EXPECT_EQ(read.error().code, Code::kFailedPrecondition) << content;
      EXPECT_THAT(read.error().message, HasSubstr(says));
      EXPECT_THAT(read.error().message, HasSubstr(file.string()));
      EXPECT_THAT(read.error().message, Not(HasSubstr(good)));
    }
    EXPECT_EQ(read_file(file).value(), content) << "what is refused is left alone";
  }
  for (const unsigned open : {0640u, 0604u, 0620u, 0602u}) {
    write("k1 " + good + " 5\n", open);
    EXPECT_THAT(read_keys(file).error().message, HasSubstr("other users"));
    EXPECT_THAT(read_keys(file).error().hint, HasSubstr("chmod 600"));
  }
  write("k1 " + good + " 5\n");
  EXPECT_TRUE(read_keys(file)) << "the control";
}

TEST_F(KeyringTest, KeysAddedAtOnceAreAllKept) {
  constexpr int kEach = 10;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([this] {
        ASSERT_TRUE(read_or_make_keys(file, 1));
        for (int i = 0; i < kEach; ++i) ASSERT_TRUE(add_key(file, i));
      });
  }
  EXPECT_EQ(ids().size(), 4u * kEach + 1);
  EXPECT_EQ(ids().back(), "k41");
}

}  // namespace
}  // namespace paastech
