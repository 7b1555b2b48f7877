#include "pomegranate/build_layers.h"

#include <gtest/gtest.h>

namespace paastech::pomegranate {
namespace {

docker::ImageNode image(const std::string& digit, const std::string& parent, std::int64_t created, std::int64_t size) {
  const auto whole = [](const std::string& one) {
    std::string id = "sha256:";
    for (int i = 0; i < 64; ++i) id += one;
    return id;
  };
  docker::ImageNode node;
  node.id = whole(digit);
  if (!parent.empty()) node.parent = whole(parent);
  node.created_at_ms = created;
  node.size_bytes = size;
  return node;
}
std::string tip(char digit) { return std::string(12, digit); }

TEST(LayerBytes, CountsWhatStandsUnderATipAndIsOfThisBuild) {
  const std::vector<docker::ImageNode> all{image("a", "", 100, 1000), image("b", "a", 500, 1010),
                                           image("c", "b", 501, 1210), image("d", "a", 502, 5000)};
  const std::vector<std::string> tips{tip('c')};
  EXPECT_EQ(layer_bytes(all, tips, 500), 210) << "the base is older, d is nobody's";
  EXPECT_EQ(layer_bytes(all, tips, 501), 200) << "what came from the cache is not of this build";
}

TEST(LayerBytes, CountsALayerUnderTwoTipsOnce) {
  const std::vector<docker::ImageNode> all{image("a", "", 100, 1000), image("b", "a", 500, 1100),
                                           image("c", "b", 500, 1130), image("d", "b", 500, 1107)};
  const std::vector<std::string> tips{tip('d'), tip('c'), tip('b'), tip('c')};
  EXPECT_EQ(layer_bytes(all, tips, 500), 137);
}

TEST(LayerBytes, CountsAllOfWhatStandsOnNothing) {
  const std::vector<docker::ImageNode> all{image("a", "", 500, 70)};
  const std::vector<std::string> tips{"sha256:" + std::string(64, 'a')};
  EXPECT_EQ(layer_bytes(all, tips, 500), 70);
}

TEST(LayerBytes, PassesOverWhatIsNoImage) {
  const std::vector<docker::ImageNode> all{image("a", "", 100, 1000), image("b", "e", 500, 80)};
  const std::vector<std::string> tips{tip('0'), "", "sha256:", tip('b')};
  EXPECT_EQ(layer_bytes(all, tips, 500), 80) << "its parent is not known any more";
}

}  // namespace
}  // namespace paastech::pomegranate
