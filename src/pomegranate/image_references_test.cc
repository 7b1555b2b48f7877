#include "pomegranate/image_references.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paastech::pomegranate {
namespace {

constexpr const char* kProject = "550e8400-e29b-41d4-a716-446655440000";

TEST(ImageReferences, PublicImagesStagesAndOwnImagesPass) {
  for (const std::string& text : std::vector<std::string>{
           std::string("FROM debian:bookworm\nRUN echo FROM paastech/x:1\nCMD [\"x\"]\n"),
           std::string(
               "ARG V=12\nFROM --platform=linux/amd64 node:${V} AS build\nFROM scratch\nCOPY --from=build /a /b\n"),
           std::string("FROM paastech/") + kProject + ":3\n",
           std::string("FROM registry.example/paastech/tool:1\n"),
       })
    EXPECT_TRUE(check_image_references(text, kProject)) << text;
}

TEST(ImageReferences, TellsWhichImagesItBuildsOn) {
  const auto found = check_image_references(
      "ARG V=12\nFROM --platform=linux/amd64 node:${V} AS Build\nFROM build AS cafe\nFROM scratch\nFROM cafe\n"
      "COPY --from=0 /a /b\nCOPY --from=cafe /a /b\nFROM reg.example:5000/a/b:1\n",
      kProject);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].reference, "node:12");
  EXPECT_EQ((*found)[0].platform, "linux/amd64");
  EXPECT_EQ((*found)[0].line, 2);
  EXPECT_EQ((*found)[1].reference, "reg.example:5000/a/b:1");
}

TEST(ImageReferences, TellsWhatIsCopiedFromBesideStages) {
  const auto found = check_image_references(
      "FROM debian AS made\nFROM debian\nCOPY --from=made /a /b\nCOPY --chown=1 --from=nginx:1 /a /b\n", kProject);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 3u);
  EXPECT_FALSE((*found)[1].copied_from);
  EXPECT_TRUE((*found)[2].copied_from);
  EXPECT_EQ((*found)[2].reference, "nginx:1");
  EXPECT_EQ((*found)[2].line, 4);
  const std::string pinned = "nginx@sha256:" + std::string(64, 'a');
  EXPECT_TRUE(check_image_references("FROM debian\nCOPY --from=" + pinned + " /a /b\n", kProject));
  EXPECT_FALSE(check_image_references("FROM debian\nONBUILD COPY --from=" + pinned + " /a /b\n", kProject));
}

TEST(ImageReferences, TellsWhatATriggerCopiesFromUnlessItCouldBeAStage) {
  const auto found = check_image_references(
      "FROM debian AS made\nONBUILD COPY --from=made /a /b\nONBUILD COPY --from=reg.example/x /a /b\nFROM made\n",
      kProject);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[1].reference, "reg.example/x");
  EXPECT_EQ((*found)[1].line, 3);
  EXPECT_TRUE((*found)[1].copied_from);
}

TEST(ImageReferences, NoNameOfTheHubHidesARegistryThatTheEngineWouldBeAskedFor) {
  for (const char* hidden :
       {"library/127.0.0.1:5000/x", "docker.io/127.0.0.1:5000/x", "docker.io/library/reg.example/x",
        "library/localhost/x", "index.docker.io/reg.example:5000/x", "library/EVIL/x", "docker.io/Evil/x",
        "docker.io/index.docker.io/x"}) {
    EXPECT_FALSE(check_foreign_image(hidden)) << hidden;
    EXPECT_FALSE(check_image_references(std::string("FROM ") + hidden + "\n", kProject)) << hidden;
  }
  for (const char* fine : {"library/debian", "docker.io/team/x", "docker.io/library/debian:12", "index.docker.io/x"})
    EXPECT_TRUE(check_foreign_image(fine)) << fine;
}

TEST(ImageReferences, ARegistryByAddressPassesOnlyWhereTheServiceAllowsIt) {
  const std::string text = "FROM 127.0.0.1:5000/a:1\n";
  EXPECT_FALSE(check_image_references(text, kProject));
  EXPECT_TRUE(check_image_references(text, kProject, {"127.0.0.1:5000"}));
  EXPECT_FALSE(check_image_references(text, kProject, {"127.0.0.1", "127.0.0.1:500"}));
  EXPECT_FALSE(check_image_references(text, kProject, {"*"}));
  EXPECT_FALSE(check_foreign_image("127.0.0.1:5000/a:1"));
  EXPECT_TRUE(check_foreign_image("127.0.0.1:5000/a:1", {"127.0.0.1:5000"}));
}

TEST(ImageReferences, AForeignImageIsNamedWholeAndIsNoProjects) {
  for (const std::string& fine :
       {std::string("nginx"), std::string("nginx:1.27"), std::string("reg.example:5000/Team/x"),
        "reg.example/a/b:1@sha256:" + std::string(64, '0')})
    EXPECT_TRUE(check_foreign_image(fine)) << fine;
  for (const std::string& bad :
       {std::string(), std::string("localhost/x"), std::string("[::1]:5000/x"), std::string("2130706433:5000/x"),
        std::string("paastech/") + kProject + ":1", std::string("docker.io/paastech/x"), std::string("x y"),
        std::string("x?y"), std::string("../x"), std::string("deadbeef"), std::string("x@sha256:12"),
        "x@md5:" + std::string(64, '0'), "sha256:" + std::string(64, '0'), std::string(600, 'x')}) {
    const Status refused = check_foreign_image(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message.find("Dockerfile"), std::string::npos);
    EXPECT_EQ(refused.error().hint.find("build on"), std::string::npos) << refused.error().hint;
  }
}

TEST(ImageReferences, SpellingsOfOneImageArePulledAsOne) {
  for (const char* same : {"debian", "debian:latest", "library/debian", "docker.io/library/debian:latest"})
    EXPECT_EQ(pull_name(same).text(), "debian latest") << same;
  EXPECT_EQ(pull_name("reg.example:5000/a").text(), "reg.example:5000/a latest");
  EXPECT_EQ(pull_name("reg.example:5000/a:2").text(), "reg.example:5000/a 2");
  EXPECT_EQ(pull_name("reg.example:5000/a:2@sha256:ab").text(), "reg.example:5000/a sha256:ab");
}

TEST(ImageReferences, AnotherProjectsImageIsRefusedHoweverItIsWritten) {
  const std::string other = "paastech/650e8400-e29b-41d4-a716-446655440000:1";
  for (const std::string& text : std::vector<std::string>{
           "FROM " + other + "\n",
           "from docker.io/" + other + "\n",
           "FROM --platform=linux/amd64 " + other + " AS x\n",
           "FROM debian\nCOPY --from=" + other + " / /\n",
           "FROM debian\nCOPY --chown=1 --from=" + other + " / /\n",
           "FROM debian\nONBUILD COPY --from=" + other + " / /\n",
           "ARG A=paas\nARG B=tech/650e8400-e29b-41d4-a716-446655440000:1\nFROM $A${B}\n",
           "ARG A=\"" + other + "\"\nFROM ${A}\n",
           std::string("FROM paas\\\ntech/650e8400-e29b-41d4-a716-446655440000:1\n"),
           "FROM ${X:-" + other + "}\n",
           // Each of these did reach the image by the classic builder of Docker 20.10.
           "FROM \u00a0" + other + "\n",
           "FROM " + other + "\u00a0\n",
           "FROM $1" + other + "\n",
           "FROM $@" + other + "\n",
           "ARG X=" + other + "\nFROM debian AS a\nARG X=debian\nFROM $X\n",
           "ARG Y=" + other + "\nARG A=\"x Y=debian\"\nFROM $Y\n",
           "ARG Y=debian\nARG N=Y\nARG $N=" + other + "\nFROM $Y\n",
           "ARG Y=x\nARG Y\nFROM $Y" + other + "\n",
           "FROM --platform=\"linux debian\" " + other + "\n",
           "FROM --platform=$P debian\n",
           std::string("FROM 2a2c\n"),
           std::string("FROM debian\nCOPY --from=2a2c266a / /\n"),
           std::string("FROM debian\nONBUILD COPY --from=0 / /\n"),
           // The host's own services, by way of the Engine.
           std::string("FROM localhost/x\n"),
           std::string("FROM 127.0.0.1:5000/x\n"),
           std::string("FROM 2130706433:5000/x\n"),
           std::string("FROM a.0x7f000001:5000/x\n"),
           std::string("FROM [::1]:5000/x\n"),
           std::string("FROM debian/../../containers\n"),
           std::string("FROM sha256:2a2c266acf574b33cda0ecb9bb87730bb1be7a0010d535506731227ec71aa352\n"),
       }) {
    const auto status = check_image_references(text, kProject);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
    EXPECT_TRUE(status.error().message.starts_with("Dockerfile line ")) << status.error().message;
  }
}

}  // namespace
}  // namespace paastech::pomegranate
