#include "git/repository_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/ids.h"

namespace paastech::git {
namespace {

namespace fs = std::filesystem;

class Store : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(root); }
  const fs::path root = fs::temp_directory_path() / ("ptstore." + random_token(6));
  RepositoryStore store{root};
  const std::string id = new_uuid();
};

TEST_F(Store, RemovesAtStartWhatAnInterruptionLeft) {
  ASSERT_TRUE(store.prepare());
  ASSERT_TRUE(store.create(id, "main"));
  fs::create_directories(store.path_of(id) / "objects/tmp_objdir-incoming-x/pack");
  fs::create_directories(root / (id + ".abc.removed"));
  ASSERT_TRUE(store.prepare());
  EXPECT_TRUE(store.exists(id));
  EXPECT_FALSE(fs::exists(store.path_of(id) / "objects/tmp_objdir-incoming-x"));
  EXPECT_FALSE(fs::exists(root / (id + ".abc.removed")));
}

TEST_F(Store, TakesAQuarantineOnlyInsideItsRepository) {
  ASSERT_TRUE(store.prepare());
  ASSERT_TRUE(store.create(id, "main"));
  const fs::path objects = store.path_of(id) / "objects";
  const fs::path good = objects / "tmp_objdir-incoming-x";
  fs::create_directories(good);
  fs::create_directories(root / "tmp_objdir-incoming-y");
  fs::create_directory_symlink("/etc", objects / "tmp_objdir-incoming-z");
  EXPECT_TRUE(store.set_quarantine(id, good));
  for (const fs::path& bad : {root / "tmp_objdir-incoming-y", objects / "tmp_objdir-incoming-z", objects / "pack",
                              fs::path("/etc"), objects / "tmp_objdir-incoming-none", good / "../../.."})
    EXPECT_FALSE(store.set_quarantine(id, bad)) << bad;
}

TEST_F(Store, TellsWhatARepositoryTakesOnTheDisk) {
  ASSERT_TRUE(store.prepare());
  EXPECT_EQ(store.size(id), 0);
  ASSERT_TRUE(store.create(id, "main"));
  const std::int64_t empty = store.size(id);
  EXPECT_GT(empty, 0);
  fs::create_directories(store.path_of(id) / "objects/tmp_objdir-incoming-x/pack");
  std::ofstream(store.path_of(id) / "objects/tmp_objdir-incoming-x/pack/a.pack") << std::string(5'000, 'x');
  fs::create_symlink("/etc", store.path_of(id) / "objects/etc");
  EXPECT_EQ(store.size(id), empty + 5'000);
  EXPECT_EQ(store.size("../" + id), 0);
}

TEST_F(Store, RefusesNamesThatAreNoIds) {
  ASSERT_TRUE(store.prepare());
  for (const char* name : {"", "..", "../x", "hello"}) {
    EXPECT_FALSE(store.create(name, "main")) << name;
    EXPECT_FALSE(store.remove(name)) << name;
    EXPECT_FALSE(store.read_files(name, std::string(40, 'a'), {})) << name;
  }
  EXPECT_FALSE(store.create(id, "--upload-pack=x"));
  ASSERT_TRUE(store.create(id, "main"));
  EXPECT_EQ(store.read_files(id, "HEAD", {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store.read_files(id, std::string(40, 'a'), {}).error().code, Code::kNotFound);
}

TEST(TreePath, StaysInsideTheTree) {
  for (const char* path : {"a", "a/b.c", "..a", "a-b/-c", ".gitignore"}) EXPECT_TRUE(is_tree_path(path)) << path;
  for (const char* path : {"", "/a", "a/", "a//b", "..", "a/../b", ".", "./a", "-a", ".git", "a/.GIT/b", "a\nb"})
    EXPECT_FALSE(is_tree_path(path)) << path;
}

TEST(MakeUtf8, ReplacesWhatIsInvalidAndKeepsTheRest) {
  EXPECT_EQ(make_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(make_utf8("a\xff"
                      "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(make_utf8("\xc0\xaf").find('\xc0'), std::string::npos);      // overlong
  EXPECT_EQ(make_utf8("\xed\xa0\x80").find('\xed'), std::string::npos);  // a surrogate
  EXPECT_EQ(make_utf8("x\xe2\x82"), "x\xef\xbf\xbd\xef\xbf\xbd");        // cut off
}

}  // namespace
}  // namespace paastech::git
