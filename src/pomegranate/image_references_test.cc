#include "pomegranate/image_references.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paastech::pomegranate {
namespace {

constexpr const char* kMine = "550e8400-e29b-41d4-a716-446655440000";

TEST(ImageReferences, PublicImagesStagesAndOwnImagesPass) {
  for (const std::string& text : std::vector<std::string>{
           std::string("FROM debian:bookworm\nRUN echo FROM paastech/x:1\nCMD [\"x\"]\n"),
           std::string(
               "ARG V=12\nFROM --platform=linux/amd64 node:${V} AS build\nFROM scratch\nCOPY --from=build /a /b\n"),
           std::string("FROM paastech/") + kMine + ":3\n",
           std::string("FROM registry.example/paastech/tool:1\n"),
       })
    EXPECT_TRUE(check_image_references(text, kMine)) << text;
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
           std::string("FROM sha256:2a2c266acf574b33cda0ecb9bb87730bb1be7a0010d535506731227ec71aa352\n"),
       }) {
    const Status status = check_image_references(text, kMine);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
    EXPECT_TRUE(status.error().message.starts_with("Dockerfile line ")) << status.error().message;
  }
}

}  // namespace
}  // namespace paastech::pomegranate
