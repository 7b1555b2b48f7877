#include "pomegranate/dockerfile_scan.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "base/subprocess.h"
#include "pomegranate/test_tar.h"

namespace paastech::pomegranate {
namespace {

Status scan(const std::string& tar, const std::string& path, std::string* seen = nullptr, std::size_t step = 0) {
  DockerfileScan scan(path, [seen](std::string_view text) -> Status {
    if (seen) *seen = std::string(text);
    if (text.find("BAD") != std::string_view::npos) return fail(Code::kInvalidArgument, "bad text");
    return {};
  });
  if (step == 0) step = tar.size();
  for (std::size_t at = 0; at < tar.size(); at += step) TRY(scan.add(tar.substr(at, step)));
  return scan.finish();
}

TEST(DockerfileScan, FindsTheTextHoweverTheBytesArrive) {
  const std::string tar =
      TestTar().file("a", std::string(1000, 'x')).file("Dockerfile", "FROM debian\n").file("z", "").end();
  for (const std::size_t step : {std::size_t{1}, std::size_t{511}, std::size_t{513}, tar.size()}) {
    std::string seen;
    const Status status = scan(tar, "Dockerfile", &seen, step);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(seen, "FROM debian\n");
  }
}

TEST(DockerfileScan, LetsNotTheLastByteOfABadOneThrough) {
  const std::string tar = TestTar().file("Dockerfile", "FROM debian\nBAD").end();
  DockerfileScan one("Dockerfile", [](std::string_view) -> Status { return fail(Code::kInvalidArgument, "bad"); });
  std::size_t passed = 0;
  while (passed < tar.size() && one.add(tar.substr(passed, 1))) ++passed;
  EXPECT_EQ(passed, 512u + 15 - 1);
}

TEST(DockerfileScan, ChecksEveryOneOfThatName) {
  EXPECT_FALSE(scan(TestTar().file("Dockerfile", "FROM a\n").file("./Dockerfile", "BAD\n").end(), "Dockerfile"));
}

TEST(DockerfileScan, RefusesAMissingALinkedAndAnEscapingOne) {
  const Status missing = scan(TestTar().file("other", "x").end(), "Dockerfile");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("no regular file Dockerfile"), std::string::npos);
  EXPECT_FALSE(scan(TestTar().link("Dockerfile", "/etc/passwd").end(), "Dockerfile"));
  EXPECT_FALSE(scan(TestTar().link("sub", "/etc").file("x", "").end(), "sub/Dockerfile"));
  EXPECT_FALSE(scan(TestTar().file("../x", "y").file("Dockerfile", "FROM a\n").end(), "Dockerfile"));
  EXPECT_FALSE(scan(std::string(2000, 'x'), "Dockerfile"));
  EXPECT_FALSE(scan("", "Dockerfile"));
}

std::string filtered(const std::string& tar, std::string_view ignore, std::size_t step,
                     const std::string& path = "Dockerfile") {
  DockerfileScan scan(path, [](std::string_view) { return Status{}; }, *build::Dockerignore::parse(ignore));
  std::string out;
  for (std::size_t at = 0; at < tar.size(); at += step) {
    const Result<std::string> passed = scan.add(tar.substr(at, step));
    EXPECT_TRUE(passed);
    if (passed) out += *passed;
  }
  EXPECT_TRUE(scan.finish());
  return out;
}

std::string packed(const std::string& magic) { return magic + std::string(600, 'x'); }

TEST(DockerfileScan, RefusesToAddWhatTheBuilderWouldUnpack) {
  const std::string inner = TestTar().file("x", "y").end();
  const std::string kinds[] = {
      packed("\x1f\x8b\x08"),     packed("BZh9"), packed(std::string("\xfd\x37zXZ\0", 6)), packed("\x28\xb5\x2f\xfd"),
      packed("\x53\x2a\x4d\x18"), inner};
  for (const std::string& content : kinds) {
    const auto context = [&](const std::string& add) {
      return TestTar()
          .file("Dockerfile", "FROM a\n" + add + "\n")
          .file("folder/a.bin", content)
          .file("b", "plain")
          .link("link", "folder/a.bin")
          .link("door", "folder")
          .end();
    };
    for (const std::size_t step : {std::size_t{7}, std::size_t{100'000}}) {
      const Status refused = scan(context("ADD folder/a.bin /"), "Dockerfile", nullptr, step);
      ASSERT_FALSE(refused);
      EXPECT_NE(refused.error().message.find("line 2: ADD would unpack `folder/a.bin`"), std::string::npos)
          << refused.error().message;
    }
    for (const char* add :
         {"ADD ./folder/a.bin /x", "ADD /folder/a.bin /x", "ADD [\"folder/a.bin\", \"/x\"]", "ADD link /x",
          "ADD door/a.bin /x", "ADD folder/*.bin /x", "ADD b folder/a.bin /x/", "ADD folder//a.bin /x",
          "ADD folder/../folder/a.bin /x", "ADD folder/\"a.bin\" /x", "ADD --chown=1:1 folder/a.bin /x", "ADD ./$X /x",
          "ADD [\"folder/a.bin\", \"b c\", \"/x\"]", "ONBUILD ADD folder/a.bin /x"})
      EXPECT_FALSE(scan(context(add), "Dockerfile")) << add;
    for (const char* add : {"ADD . /x", "ADD ./ /x", "ADD folder /x", "ADD b /x", "ADD [\"b\", \"/x\"]", "ADD ./b/ /x",
                            "COPY folder/a.bin link /x/"})
      EXPECT_TRUE(scan(context(add), "Dockerfile")) << add;
  }
}

TEST(DockerfileScan, AddsWhatIsNotPacked) {
  const std::string tar = TestTar()
                              .file("Dockerfile", "FROM a\nADD *.x ./$Y link c.tar.gz /x/\n")
                              .file("c.tar.gz", "plain all the same")
                              .file("a.x", std::string(2000, '0'))
                              .link("link", "a.x")
                              .end();
  EXPECT_TRUE(scan(tar, "Dockerfile"));
  const std::string beside = TestTar()
                                 .file("Dockerfile", "FROM a\nADD link /x\n")
                                 .link("link", "b")
                                 .file("c.gz", packed("\x1f\x8b\x08"))
                                 .end();
  DockerfileScan ignoring(
      "Dockerfile", [](std::string_view) { return Status{}; }, *build::Dockerignore::parse("*.gz\n"));
  EXPECT_TRUE(ignoring.add(beside) && ignoring.finish()) << "what is packed is left out of the context";
  EXPECT_FALSE(scan(beside, "Dockerfile"));
}

TEST(DockerfileScan, LeavesOutWhatTheDockerignoreNames) {
  const std::string big(1000, 'x');
  const std::string tar = TestTar()
                              .file(".dockerignore", "*")
                              .file(".env", "SECRET=1")
                              .file("Dockerfile", "FROM a\n")
                              .file("src/a", big)
                              .file("src/b", "")
                              .link("src/c", "a")
                              .end();
  for (const std::size_t step : {std::size_t{1}, std::size_t{511}, std::size_t{513}, tar.size()}) {
    EXPECT_EQ(filtered(tar, "", step), tar);
    EXPECT_EQ(filtered(tar, "other\n", step), tar);
    EXPECT_EQ(filtered(tar, "*\n!src/a\n", step),
              TestTar().file(".dockerignore", "*").file("Dockerfile", "FROM a\n").file("src/a", big).end())
        << step;
  }
}

// The real thing: what `git archive` writes, with a pax global header and a path too long for ustar.
TEST(DockerfileScan, ReadsWhatGitArchiveWrites) {
  const std::filesystem::path dir = std::filesystem::temp_directory_path() / ("scan-" + random_token(9));
  std::string deep;
  for (int i = 0; i < 8; ++i) deep += std::string(40, static_cast<char>('a' + i)) + "/";
  std::filesystem::create_directories(dir / deep);
  std::ofstream(dir / deep / "Dockerfile") << "FROM deep\n";
  std::ofstream(dir / "zz") << std::string(100'000, 'z');
  const auto git = [&dir](std::vector<std::string> words) {
    std::vector<std::string> argv{"git", "-C", dir.string(), "-c", "user.email=a@b.c", "-c", "user.name=n"};
    argv.insert(argv.end(), words.begin(), words.end());
    return run_program(argv);
  };
  ASSERT_EQ(git({"init", "-q"})->exit_code, 0);
  ASSERT_EQ(git({"add", "."})->exit_code, 0);
  ASSERT_EQ(git({"commit", "-q", "-m", "m"})->exit_code, 0);
  const auto tar = git({"archive", "HEAD"});
  std::filesystem::remove_all(dir);
  ASSERT_EQ(tar->exit_code, 0);
  std::string seen;
  const Status status = scan(tar->output, deep + "Dockerfile", &seen, 1000);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(seen, "FROM deep\n");
  const std::string less = filtered(tar->output, "*\n", 1000, deep + "Dockerfile");
  EXPECT_LT(less.size(), 50'000u) << "zz stayed";
  EXPECT_TRUE(scan(less, deep + "Dockerfile", &seen)) << "it is kept with its long path";
}

}  // namespace
}  // namespace paastech::pomegranate
