// Pushes that are small to send and large to take: each meets its limit, and what is just within it is taken.
#include "git/server_test_support.h"

namespace paastech::git::testing {
namespace {

using ::testing::HasSubstr;

class BoundedPush : public GitServerTest {
 protected:
  void SetUp() override {
    GitServerTest::SetUp();
    start();
  }
  // A commit of this tree, which `git mktree` made of lines.
  std::string commit_of(const std::string& tree) { return first_id(git({"commit-tree", tree, "-m", "made"}).output); }
  std::string tree_of(const std::string& lines) { return first_id(git({"mktree"}, lines).output); }
  std::string blob_of(const std::string& content) {
    return first_id(git({"hash-object", "-w", "--stdin"}, content).output);
  }
  // A commit with a file below so many folders, the root among them.
  std::string nested(int levels) {
    std::string tree = tree_of("100644 blob " + blob_of("x") + "\tx\n");
    for (int level = 1; level < levels; ++level) tree = tree_of("040000 tree " + tree + "\td\n");
    return commit_of(tree);
  }
  static std::string first_id(const std::string& output) { return output.substr(0, 40); }

  struct Archived {
    grpc::Status status;
    std::size_t bytes = 0;
  };
  Archived archive(const std::string& id, const std::string& path) {
    grpc::ClientContext context;
    repositories::v1::ArchiveRequest request;
    request.set_project_id(gateway.project_id);
    request.set_commit(id);
    request.set_path(path);
    const auto reader = repositories->Archive(&context, request);
    Archived out;
    repositories::v1::ArchiveChunk chunk;
    while (reader->Read(&chunk)) out.bytes += chunk.data().size();
    out.status = reader->Finish();
    return out;
  }
};

TEST_F(BoundedPush, OfMoreThanTwoThousandRefsIsRefused) {
  const std::string id = head();
  std::ofstream packed(scratch / "work/.git/packed-refs");  // at once, where `git branch` writes a file for each
  for (int i = 0; i < 2001; ++i) packed << id << " refs/heads/many/" << i << "\n";
  packed.close();
  const Outcome outcome = push({"refs/heads/many/*:refs/heads/many/*"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("a push may update at most 2000 refs"));
  EXPECT_EQ(stored("refs/heads/many/0"), "");
  EXPECT_EQ(push({"refs/heads/many/199*:refs/heads/many/199*"}).status, 0);  // the control: 11 of them
  EXPECT_EQ(stored("refs/heads/many/1999"), id);
}

TEST_F(BoundedPush, OfATreeOfMoreThanSixtyFourLevelsIsNotDeployed) {
  const Outcome refused = push({nested(65) + ":refs/heads/main"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("in 64 levels"));
  EXPECT_EQ(gateway.deployments(), 0u);
  const Outcome outcome = push({nested(64) + ":refs/heads/main"});
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(gateway.deployments(), 1u);
}

// One blob of 128 MiB of zeros, named 33 times: a pack of some hundred KiB, and 4 GiB and more to unpack.
TEST_F(BoundedPush, OfWhatUnpacksToMoreThanFourGibibytesIsNotArchived) {
  const std::string blob = "100644 blob " + blob_of(std::string(128 << 20, '\0')) + "\t";
  std::string lines = "040000 tree " + tree_of(blob + "zeros\n") + "\tone\n";
  for (int i = 0; i < 32; ++i) lines += blob + "zeros-" + std::to_string(i) + "\n";
  const std::string id = commit_of(tree_of(lines));
  ASSERT_EQ(push({id + ":refs/heads/topic"}).status, 0);
  const Archived whole = archive(id, "");
  EXPECT_EQ(whole.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(whole.status.error_message(), HasSubstr("over the limit of 4 GiB"));
  EXPECT_LT(whole.bytes, (std::size_t{4} << 30) + (1 << 20));
  const Archived part = archive(id, "one");
  EXPECT_TRUE(part.status.ok()) << part.status.error_message();
  EXPECT_GT(part.bytes, std::size_t{128} << 20);
}

}  // namespace
}  // namespace paastech::git::testing
