#include "pomegranate/image_rules.h"

#include <gtest/gtest.h>

namespace paastech::pomegranate {
namespace {

constexpr const char* kMine = "550e8400-e29b-41d4-a716-446655440000";

TEST(ImageRules, AnOrdinaryImagePasses) {
  docker::ImageDetails image;
  image.text_bytes = 4096;
  image.exposed = {"80/tcp", "443/tcp"};
  image.volumes = {"/data"};
  image.on_build = {"COPY package.json /app", "RUN npm install", "ADD . /app", "COPY --from=build /a /b"};
  EXPECT_TRUE(check_image_bounds(image));
  EXPECT_TRUE(check_triggers(image, kMine)) << check_triggers(image, kMine).error().message;
}

TEST(ImageRules, WhatSwellsEveryListIsBounded) {
  docker::ImageDetails image;
  image.text_bytes = (32 << 10) + 1;
  EXPECT_NE(check_image_bounds(image).error().message.find("32 KiB"), std::string::npos);
  image = {};
  image.exposed.resize(65);
  EXPECT_NE(check_image_bounds(image).error().message.find("64 ports"), std::string::npos);
  image = {};
  image.volumes.resize(17);
  EXPECT_NE(check_image_bounds(image).error().message.find("16 VOLUMEs"), std::string::npos);
}

TEST(ImageRules, ATriggerMayDoNoMoreThanADockerfile) {
  for (const std::string trigger :
       {"ADD http://169.254.169.254/x /x", "COPY --from=paastech/650e8400-e29b-41d4-a716-446655440000:1 / /",
        "COPY --from=2a2c266a / /", "RUN --network=host x", "RUN a\nADD http://a/x /x", "# escape=`\nADD x y",
        " # escape=`", "ADD ./src /app"}) {
    docker::ImageDetails image;
    image.on_build = {"RUN echo \\", trigger};  // a continuation joins no two triggers
    const auto status = check_triggers(image, kMine);
    ASSERT_FALSE(status) << trigger;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  }
}

TEST(ImageRules, TellsWhatTriggersCopyFromBesideStages) {
  docker::ImageDetails image;
  image.on_build = {"COPY --from=build /a /b", "COPY --from=registry.example/tool:1 /a /b", "RUN make"};
  const auto copied = check_triggers(image, kMine);
  ASSERT_TRUE(copied) << copied.error().message;
  ASSERT_EQ(copied->size(), 1u);
  EXPECT_EQ((*copied)[0].reference, "registry.example/tool:1");
  EXPECT_TRUE((*copied)[0].copied_from);
}

TEST(ImageRules, PlatformsAreCompared) {
  EXPECT_TRUE(fits_platform("linux/amd64", ""));
  EXPECT_TRUE(fits_platform("linux/amd64", "linux/amd64"));
  EXPECT_TRUE(fits_platform("linux/arm64/v8", "linux/arm64"));
  EXPECT_FALSE(fits_platform("linux/amd64", "linux/arm64"));
  EXPECT_FALSE(fits_platform("linux/amd64/v9", "linux/amd64"));
}

}  // namespace
}  // namespace paastech::pomegranate
