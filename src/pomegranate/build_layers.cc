#include "pomegranate/build_layers.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace paastech::pomegranate {
namespace {

constexpr std::size_t kShort = 12;  // characters of an id that the builder shows

std::string_view short_id(std::string_view id) {
  const std::size_t algorithm = id.find(':');
  if (algorithm != std::string_view::npos) id.remove_prefix(algorithm + 1);
  return id.substr(0, kShort);
}

}  // namespace

std::int64_t layer_bytes(std::span<const docker::ImageNode> all, std::span<const std::string> tips,
                         std::int64_t since_ms) {
  std::unordered_map<std::string_view, const docker::ImageNode*> known;
  for (const docker::ImageNode& image : all) known.emplace(short_id(image.id), &image);
  const auto find = [&known](std::string_view id) {
    const auto found = known.find(short_id(id));
    return found == known.end() ? nullptr : found->second;
  };
  std::unordered_set<const docker::ImageNode*> counted;
  std::int64_t bytes = 0;
  for (const std::string& tip : tips) {
    const docker::ImageNode* image = find(tip);
    while (image != nullptr && image->created_at_ms >= since_ms && counted.insert(image).second) {
      const docker::ImageNode* below = image->parent.empty() ? nullptr : find(image->parent);
      bytes += std::max<std::int64_t>(0, image->size_bytes - (below == nullptr ? 0 : below->size_bytes));
      image = below;
    }
  }
  return bytes;
}

}  // namespace paastech::pomegranate
