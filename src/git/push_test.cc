// Pushes of the real git through the real server: what is deployed, what is only stored, what is refused.
#include <fmt/format.h>

#include <random>

#include "git/bounded_objects.h"
#include "git/server_test_support.h"

namespace paastech::git::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Push : public GitServerTest {
 protected:
  void SetUp() override {
    GitServerTest::SetUp();
    start();
  }
};

TEST_F(Push, OfMainIsDeployedAndMovesTheBranch) {
  const std::string id = head();
  const Outcome outcome = push();
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("remote: Building it"));
  EXPECT_THAT(outcome.output, HasSubstr("http://hello.example"));
  EXPECT_THAT(outcome.output, HasSubstr("live after 1.2 s"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("\x1b]52")));
  EXPECT_EQ(stored("refs/heads/main"), id);
  EXPECT_EQ(gateway.last.commit(), id);
  EXPECT_EQ(gateway.last.ref(), "refs/heads/main");
  EXPECT_EQ(gateway.last.client_id(), "id-of-ada");
}

TEST_F(Push, WithAFailedDeploymentLeavesTheBranchAndSaysWhy) {
  const std::string first = head();
  ASSERT_EQ(push().status, 0);
  gateway.result.set_live(false);
  gateway.result.set_message("the Application exited with 3");
  gateway.result.set_hint("see its last lines");
  commit("index.html", "two", "Second");
  const Outcome outcome = push();
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("remote: error: the Application exited with 3"));
  EXPECT_THAT(outcome.output, HasSubstr("remote: hint: see its last lines"));
  EXPECT_EQ(stored("refs/heads/main"), first);
  EXPECT_EQ(quarantines(), "");
}

TEST_F(Push, IsReadableFromQuarantineDuringTheDeployment) {
  fs::create_symlink("/etc/passwd", scratch / "work/link");
  fs::create_directories(scratch / "work/sub");
  std::ofstream(scratch / "work/sub/file") << "inner";
  std::ofstream(scratch / "work/big") << std::string(300 << 10, 'x');
  const std::string id = commit("Dockerfile", "FROM x", "Subject line");
  repositories::v1::ReadFilesReply files;
  std::string tar, sub;
  grpc::Status read, archived;
  gateway.during = [&](const auto& request) {
    grpc::ClientContext context;
    repositories::v1::ReadFilesRequest ask;
    ask.set_project_id(request.project_id());
    ask.set_commit(request.commit());
    for (const char* path : {"Dockerfile", "link", "sub", "none", "big", "link/x"}) ask.add_paths(path);
    read = repositories->ReadFiles(&context, ask, &files);
    for (const auto& [path, out] : {std::pair{"", &tar}, std::pair{"sub", &sub}}) {
      grpc::ClientContext archive_context;
      repositories::v1::ArchiveRequest archive;
      archive.set_project_id(request.project_id());
      archive.set_commit(request.commit());
      archive.set_path(path);
      const auto reader = repositories->Archive(&archive_context, archive);
      repositories::v1::ArchiveChunk chunk;
      while (reader->Read(&chunk)) *out += chunk.data();
      archived = reader->Finish();
      if (!archived.ok()) break;
    }
  };
  const Outcome outcome = push();
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  ASSERT_TRUE(read.ok()) << read.error_message();
  std::string kinds;
  for (const auto& file : files.files()) kinds += file.kind() + " ";
  EXPECT_EQ(kinds, "file symlink directory missing too_large missing ");
  EXPECT_EQ(files.files(0).content(), "FROM x");
  EXPECT_EQ(files.files(1).content(), "");
  EXPECT_EQ(files.subject(), "Subject line");
  EXPECT_EQ(files.author(), "Ada <ada@example.org>");
  ASSERT_TRUE(archived.ok()) << archived.error_message();
  EXPECT_THAT(tar, HasSubstr("Dockerfile"));
  EXPECT_THAT(tar, HasSubstr("sub/file"));
  EXPECT_TRUE(sub.starts_with("file")) << sub.substr(0, 100);
  EXPECT_EQ(stored("refs/heads/main"), id);
}

TEST_F(Push, OfAnotherBranchOrATagIsStoredOnly) {
  ASSERT_EQ(push().status, 0);
  git({"tag", "v1"});
  const Outcome outcome = push({"main:topic", "v1"});
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("Stored branch topic; only main is deployed."));
  EXPECT_THAT(outcome.output, HasSubstr("Stored tag v1; tags are not deployed."));
  EXPECT_EQ(stored("refs/heads/topic"), head());
  EXPECT_EQ(stored("refs/tags/v1"), head());
  EXPECT_EQ(gateway.deployments(), 1u);
}

TEST_F(Push, OfAMemberRemovedMeanwhileMovesNothing) {
  ASSERT_EQ(push({"main:topic"}).status, 0);  // the control
  ASSERT_EQ(gateway.asked_again.size(), 1u);
  EXPECT_EQ(gateway.asked_again[0].address(), "127.0.0.1");
  EXPECT_THAT(gateway.asked_again[0].fingerprint(), HasSubstr("SHA256:"));
  gateway.removed = true;
  const std::string before = head();
  commit("index.html", "two", "Second");
  const Outcome outcome = push({"main:topic", "main:other"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("does not exist, or you have no access to it"));
  EXPECT_EQ(stored("refs/heads/topic"), before);
  EXPECT_EQ(stored("refs/heads/other"), "");
}

TEST_F(Push, OfMasterIsDeployedWhereThereIsNoMainAndClonesCheckItOut) {
  ASSERT_EQ(push({"main:master"}).status, 0);
  EXPECT_EQ(gateway.deployments(), 1u);
  const Outcome clone =
      git({"clone", "-q", "ssh://git@127.0.0.1:" + std::to_string(server->port()) + "/hello", "../copy"});
  EXPECT_EQ(clone.status, 0) << clone.output;
  EXPECT_TRUE(fs::exists(scratch / "copy/index.html"));
}

TEST_F(Push, ThatDeletesTheDeployBranchIsRefused) {
  ASSERT_EQ(push().status, 0);
  const Outcome outcome = push({":main"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("cannot be deleted"));
  EXPECT_EQ(stored("refs/heads/main"), head());
}

TEST_F(Push, OfANonFastForwardNeedsForce) {
  ASSERT_EQ(push().status, 0);
  git({"commit", "-q", "--amend", "-m", "Rewritten"});
  const Outcome refused = push();
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("non-fast-forward"));
  EXPECT_EQ(gateway.deployments(), 1u);
  EXPECT_EQ(push({"--force", "main"}).status, 0);
  EXPECT_EQ(stored("refs/heads/main"), head());
}

TEST_F(Push, OfNothingNewChangesNothing) {
  ASSERT_EQ(push().status, 0);
  EXPECT_THAT(push().output, HasSubstr("Everything up-to-date"));
  EXPECT_EQ(gateway.deployments(), 1u);
}

TEST_F(Push, OfRefsOutsideBranchesAndTagsIsRefused) {
  const Outcome outcome = push({"main:refs/replace/" + std::string(40, 'a')});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("only branches and tags"));
}

TEST_F(Push, OptionsAreNotOffered) {
  const Outcome outcome = push({"-o", "x=$(id)", "main"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("does not support push options"));
}

TEST_F(Push, OfACorruptPackIsRefused) {
  const std::string line =
      std::string(40, '0') + " " + head() + " refs/heads/main" + std::string(1, '\0') + "report-status";
  char size[5];
  std::snprintf(size, sizeof size, "%04zx", line.size() + 4);
  const std::string pack = std::string("PACK\0\0\0\2\0\0\0\1", 12) + "not a deflated object at all";
  const Outcome outcome = ssh({"git@127.0.0.1", "git-receive-pack 'hello'"}, size + line + "0000" + pack);
  EXPECT_THAT(outcome.output, HasSubstr("unpack index-pack abnormal exit"));
  EXPECT_EQ(stored("refs/heads/main"), "");
  EXPECT_EQ(gateway.deployments(), 0u);
  EXPECT_EQ(quarantines(), "");
}

TEST_F(Push, OfATreeThatHoldsDotGitIsRefused) {
  std::string blob = git({"hash-object", "-w", "--stdin"}, "canary").output;
  blob.resize(40);
  std::string raw;
  for (int i = 0; i < 40; i += 2)
    raw.push_back(static_cast<char>(std::stoi(blob.substr(static_cast<std::size_t>(i), 2), nullptr, 16)));
  for (const std::string& entry : {std::string("100644 .git"), std::string("100644 .."), std::string("100644 a/b")}) {
    std::string tree =
        git({"hash-object", "-t", "tree", "-w", "--literally", "--stdin"}, entry + std::string(1, '\0') + raw).output;
    tree.resize(40);
    std::string id = git({"commit-tree", tree, "-m", "evil"}).output;
    id.resize(40);
    const Outcome outcome = push({id + ":refs/heads/main"});
    EXPECT_NE(outcome.status, 0) << entry;
    EXPECT_THAT(outcome.output, HasSubstr("fsck")) << entry;
  }
  EXPECT_EQ(gateway.deployments(), 0u);
}

TEST_F(Push, OfATreeBombIsRefusedQuickly) {
  std::string blob = git({"hash-object", "-w", "--stdin"}, "x").output;
  std::string tree = "100644 blob " + blob.substr(0, 40);
  std::string lines;
  for (int level = 0; level < 10; ++level) {
    lines.clear();
    for (int i = 0; i < 10; ++i) lines += tree + "\t" + std::to_string(i) + "\n";
    std::string id = git({"mktree"}, lines).output;
    tree = "040000 tree " + id.substr(0, 40);
  }
  std::string id = git({"commit-tree", tree.substr(12), "-m", "bomb"}).output;
  id.resize(40);
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = push({id + ":refs/heads/main"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  EXPECT_THAT(outcome.output, HasSubstr("over the limit of 100000 entries"));
  EXPECT_EQ(gateway.deployments(), 0u);
}

// Each would be read whole into the Service's memory.
TEST_F(Push, OfAHugeCommitOrFolderIsRefused) {
  const std::string tree = git({"rev-parse", "HEAD^{tree}"}).output.substr(0, 40);
  std::string id = git({"commit-tree", tree}, std::string(kMaxCommitBytes, 'm')).output;
  Outcome outcome = push({id.substr(0, 40) + ":refs/heads/main"});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("with its message is over the limit of 1 MiB"));
  const std::string blob = git({"hash-object", "-w", "--stdin"}, "x").output.substr(0, 40);
  std::string lines;
  for (std::size_t i = 0, bytes = 0; bytes <= kMaxTreeBytes; ++i, bytes += 4000)
    lines += fmt::format("100644 blob {}\t{:04}{}\n", blob, i, std::string(3'990, 'x'));
  const std::string folder = git({"mktree"}, lines).output.substr(0, 40);
  const std::string above = git({"mktree"}, "040000 tree " + folder + "\tfolder\n").output.substr(0, 40);
  for (const std::string& one : {folder, above}) {
    id = git({"commit-tree", one, "-m", "wide"}).output;
    outcome = push({id.substr(0, 40) + ":refs/heads/main"});
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.output, HasSubstr("a folder's list of files is over the limit of 16 MiB"));
  }
  EXPECT_EQ(gateway.deployments(), 0u);
  EXPECT_EQ(push().status, 0) << "what is within the limits goes on";
}

TEST_F(Push, InterruptedDuringItsDeploymentStillMovesTheBranch) {
  gateway.blocked = true;
  const auto program = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return gateway.deployments() == 1; }));
  program->interrupt();
  EXPECT_NE(program->finish().status, 0);
  EXPECT_EQ(stored("refs/heads/main"), "");
  gateway.blocked = false;
  EXPECT_TRUE(eventually([&] { return stored("refs/heads/main") == head(); }));
  EXPECT_TRUE(eventually([&] { return quarantines().empty(); }));
}

TEST_F(Push, WaitsForTheOneBeforeItAndThenSeesThatTheBranchMoved) {
  gateway.blocked = true;
  const auto first = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return gateway.deployments() == 1; }));
  const std::string id = head();
  commit("index.html", "two", "Second");
  const auto second = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return second->output().find("waiting for it") != std::string::npos; }));
  const auto third = start_program({"git", "push", "paastech", "main"});
  const Outcome overtaken = second->finish();
  EXPECT_THAT(overtaken.output, HasSubstr("overtaken by a newer push"));
  EXPECT_NE(overtaken.status, 0);
  EXPECT_EQ(gateway.deployments(), 1u);
  gateway.blocked = false;
  EXPECT_EQ(first->finish().status, 0);
  const Outcome late = third->finish();
  EXPECT_NE(late.status, 0);
  EXPECT_THAT(late.output, HasSubstr("main moved meanwhile"));
  EXPECT_EQ(stored("refs/heads/main"), id);
  EXPECT_EQ(push().status, 0);
}

TEST_F(Push, GivenUpWhileWaitingNeverDeploys) {
  gateway.blocked = true;
  const auto first = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return gateway.deployments() == 1; }));
  const auto second = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return second->output().find("waiting for it") != std::string::npos; }));
  second->interrupt();
  second->finish();
  EXPECT_TRUE(eventually([&] { return std::distance(fs::directory_iterator(repository() / "objects"), {}) <= 4; }));
  gateway.blocked = false;
  EXPECT_EQ(first->finish().status, 0);
  EXPECT_EQ(gateway.deployments(), 1u);
}

TEST_F(Push, IsRejectedWhenTheServiceStopsDuringItsDeployment) {
  gateway.blocked = true;
  const auto program = start_program({"git", "push", "paastech", "main"});
  ASSERT_TRUE(eventually([&] { return gateway.deployments() == 1; }));
  server->stop();
  EXPECT_NE(program->finish().status, 0);
  EXPECT_EQ(stored("refs/heads/main"), "");
}

TEST_F(Push, OftenRepeatedLeavesFewPacks) {
  const auto packs = [&] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(repository() / "objects/pack"))
      count += entry.path().extension() == ".pack";
    return count;
  };
  for (int i = 0; i < 51; ++i) {
    commit("index.html", std::to_string(i), "Next");
    ASSERT_EQ(push({"main:topic"}).status, 0);
  }
  EXPECT_TRUE(eventually([&] { return packs() < 10; })) << packs();
  EXPECT_EQ(stored("refs/heads/topic"), head());
  // While the last old packs go, one may be gone between its listing and its reading; damage would stay.
  EXPECT_TRUE(eventually([&] { return git({"--git-dir=" + repository().string(), "fsck", "--full"}).status == 0; }));
}

TEST_F(Push, OfAHundredMegabytesArrivesWhole) {
  std::mt19937_64 random(1);
  for (int file = 0; file < 10; ++file) {
    std::string bytes(10 << 20, '\0');
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const std::uint64_t word = random();
      std::memcpy(bytes.data() + i, &word, 8);
    }
    std::ofstream(scratch / "work" / ("blob" + std::to_string(file)), std::ios::binary) << bytes;
  }
  git({"config", "core.compression", "0"});  // else the time goes into compressing what is random
  git({"config", "pack.window", "0"});
  const std::string id = commit("index.html", "big", "Big");
  const Outcome outcome = push();
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_EQ(stored("refs/heads/main"), id);
  EXPECT_EQ(git({"--git-dir=" + repository().string(), "fsck", "--full"}).status, 0);
}

class LimitedPush : public GitServerTest {};

TEST_F(LimitedPush, OverTheSizeLimitIsRefusedWithTheLimit) {
  options.max_push_bytes = 1 << 20;
  start();
  std::string bytes(3 << 20, '\0');
  std::mt19937 random(1);
  for (char& c : bytes) c = static_cast<char>(random());
  commit("blob", bytes, "Big");
  const Outcome outcome = push();
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("over 1 MiB, the limit of this Service"));
  EXPECT_EQ(stored("refs/heads/main"), "");
  EXPECT_EQ(quarantines(), "");
}

TEST_F(LimitedPush, OverWhatThePlanLeavesIsRefusedWithItsWords) {
  gateway.allowance.set_max_push_bytes(64 << 10);
  gateway.allowance.set_too_large("the plan `small` allows 1 MiB of repositories; in use: 960 KiB");
  gateway.allowance.set_too_large_hint("delete a project");
  start();
  std::string bytes(256 << 10, '\0');
  std::mt19937 random(1);
  for (char& c : bytes) c = static_cast<char>(random());
  commit("index.html", "small", "Small");
  ASSERT_EQ(push().status, 0);
  const std::string before = stored("refs/heads/main");
  commit("blob", bytes, "Big");
  const Outcome outcome = push();
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.output, HasSubstr("the plan `small` allows 1 MiB of repositories; in use: 960 KiB; nothing"));
  EXPECT_THAT(outcome.output, HasSubstr("delete a project"));
  EXPECT_EQ(stored("refs/heads/main"), before);
  EXPECT_EQ(quarantines(), "");
}

TEST_F(LimitedPush, ThatTakesTooLongIsStopped) {
  options.push_timeout = std::chrono::seconds(1);
  start();
  // A client that says nothing after the greeting.
  const auto program = start_program([&] {
    std::vector<std::string> all{"sh", "-c", "sleep 30 | \"$@\"", "sh"};
    for (const std::string& word : ssh_command("ada")) all.push_back(word);
    all.insert(all.end(), {"-p", std::to_string(server->port()), "git@127.0.0.1", "git-receive-pack 'hello'"});
    return all;
  }());
  EXPECT_TRUE(eventually([&] { return program->output().find("took longer than 1 s") != std::string::npos; }))
      << program->output();
}

}  // namespace
}  // namespace paastech::git::testing
