#include "pomegranate/names.h"

#include <gtest/gtest.h>

namespace paastech::pomegranate {
namespace {

const InstanceKey kKey{"550e8400-e29b-41d4-a716-446655440000", 12, "web", 0};

TEST(Names, AContainerIsKnownByItsNameAndLabelsTogether) {
  const std::string name = container_name("pt", kKey);
  const Labels labels = instance_labels("pt", kKey, 80);
  EXPECT_EQ(trusted_key("pt", name, labels), kKey);
  EXPECT_EQ(port_of(labels), 80);
}

TEST(Names, LabelsOfAnImageAreNotBelieved) {
  const Labels ours = instance_labels("pt", kKey, 80);
  EXPECT_FALSE(trusted_key("pt", "innocent", ours));
  EXPECT_FALSE(trusted_key("other", container_name("pt", kKey), ours));
  for (const auto& [label, value] : ours) {
    if (label == kLabelPort) continue;
    Labels forged = ours;
    forged[label] = value + "9";
    EXPECT_FALSE(trusted_key("pt", container_name("pt", kKey), forged)) << label;
    forged.erase(label);
    EXPECT_FALSE(trusted_key("pt", container_name("pt", kKey), forged)) << label;
  }
}

TEST(Names, NumbersHaveOneFormOnly) {
  const Labels labels = instance_labels("pt", kKey, 80);
  EXPECT_FALSE(trusted_key("pt", "pt." + kKey.project + ".012.web.0", labels));
  EXPECT_FALSE(trusted_key("pt", "pt." + kKey.project + ".12.web.-0", labels));
}

TEST(Names, ProxyLabelsOfAnImageAreEmptied) {
  const Labels out = neutralised({{"traefik.enable", "true"},
                                  {"caddy", "evil.example"},
                                  {"com.docker.compose.project", "x"},
                                  {"paastech.project", "y"},
                                  {"org.opencontainers.image.title", "fine"},
                                  {"maintainer", "me"}});
  EXPECT_EQ(
      out,
      (Labels{{"traefik.enable", ""}, {"caddy", ""}, {"com.docker.compose.project", ""}, {"paastech.project", ""}}));
}

TEST(Names, ImageReferencesAreExact) {
  EXPECT_TRUE(is_image_reference(image_reference(kKey.project, 3), kKey.project));
  EXPECT_FALSE(is_image_reference(image_reference(kKey.project, 3), "650e8400-e29b-41d4-a716-446655440000"));
  for (const char* bad : {"debian:bookworm", "paastech/x:1", "paastech/550e8400-e29b-41d4-a716-446655440000:latest",
                          "paastech/550e8400-e29b-41d4-a716-446655440000", "../x", ""})
    EXPECT_FALSE(is_image_reference(bad)) << bad;
}

TEST(Names, InstanceNamesAreChecked) {
  EXPECT_TRUE(check_instance_name("paastech-2"));
  for (const char* bad : {"", "a.b", "A", "-x", "a b", "a=b"}) EXPECT_FALSE(check_instance_name(bad)) << bad;
}

}  // namespace
}  // namespace paastech::pomegranate
