#include "base/folders.h"

#include <gtest/gtest.h>

#include <fstream>

namespace paastech {
namespace {

TEST(TemporaryFolder, IsForItsUserAloneAndGoneWithWhatIsInIt) {
  std::filesystem::path path;
  {
    const Result<TemporaryFolder> folder = TemporaryFolder::make("paastech-test");
    ASSERT_TRUE(folder.has_value()) << folder.error().message;
    path = folder->path();
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
    std::filesystem::create_directory(path / "below");
    std::ofstream(path / "below" / "file") << "x";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, IsAnotherEachTime) {
  const Result<TemporaryFolder> one = TemporaryFolder::make("paastech-test");
  const Result<TemporaryFolder> two = TemporaryFolder::make("paastech-test");
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_NE(one->path(), two->path());
}

}  // namespace
}  // namespace paastech
