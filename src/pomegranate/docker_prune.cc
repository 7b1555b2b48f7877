// What builds leave in the Engine. Layers of the classic builder have no labels of ours, and its output, which a RUN
// can imitate, proves nothing. So while a build runs, the layer beneath each of its containers gets a name of ours, by
// what the Engine itself says of a container that carries the build's mark. Where the build ends those names go, and
// with them what no image stands upon; where its process was killed they stay, and lead to all that the build made.
#include <ranges>

#include "pomegranate/docker_engine.h"

namespace paastech::pomegranate {

namespace {

constexpr const char* kMarksName = "paastech/build";  // no Client may name it (image_references.h)

// Images by id, and what stands upon each.
struct Tree {
  std::map<std::string, docker::ImageNode> nodes = {};
  std::multimap<std::string, std::string> children = {};
  std::set<std::string> kept = {};  // what a name that is no mark, or one of a build under way, stands upon

  void keep(std::string id) {
    for (auto at = nodes.find(id); at != nodes.end() && kept.insert(id).second; at = nodes.find(id))
      id = at->second.parent;
  }
  // The nameless images from `id` on upwards, each behind those that stand upon it.
  void collect(const std::string& id, std::vector<std::string>& out) const {
    const auto [first, last] = children.equal_range(id);
    for (auto child = first; child != last; ++child) collect(child->second, out);
    if (!kept.contains(id) && std::ranges::find(out, id) == out.end()) out.push_back(id);
  }
  std::int64_t own_bytes(const std::string& id) const {
    const docker::ImageNode& node = nodes.at(id);
    const auto parent = nodes.find(node.parent);
    const std::int64_t below = parent == nodes.end() ? 0 : parent->second.size_bytes;
    return std::max<std::int64_t>(node.size_bytes - below, 0);
  }
};

// What one killed build left.
struct Remains {
  std::int64_t created_at_ms = 0;
  std::vector<std::string> marks = {};
  std::vector<std::pair<std::string, std::int64_t>> images = {};  // with their bytes; behind those that stand upon them
  std::int64_t bytes = 0;
};

// The names last, so that what a removal that is cut off leaves can still be found. The Engine itself refuses what has
// another name, or what an image or a container stands upon. Answers what was freed.
net::Task<Result<std::int64_t>> remove_remains(docker::ClientPtr client, Remains remains) {
  for (std::string& mark : remains.marks) remains.images.emplace_back(std::move(mark), 0);
  std::int64_t freed = 0;
  for (const auto& [image, bytes] : remains.images) {
    const Status removed = co_await docker::remove_image(client, image);
    if (!removed && removed.error().code == Code::kUnavailable) co_return std::unexpected(removed.error());
    if (removed) freed += bytes;
    if (!removed) spdlog::debug("image {} of a build stays: {}", image, removed.error().message);
  }
  co_return freed;
}

}  // namespace

std::string DockerEngine::mark_prefix(const std::string& nonce) const {
  return options_.instance + "." + nonce.substr(kBuildMark.size()) + ".";
}

// `container` is one that the Engine has shown to be of the build.
net::Task<void> DockerEngine::mark_layer(std::string nonce, docker::ContainerDetails container, int number) {
  const auto layer = co_await docker::inspect_image(client_, container.image_id);
  if (!layer || !layer->names.empty()) co_return;  // a base image, which is not the build's
  const std::string tag = mark_prefix(nonce) + std::to_string(number);
  const Status marked = co_await docker::tag_image(client_, layer->id, kMarksName, tag);
  if (!marked || builds_.contains(nonce)) co_return;
  [[maybe_unused]] const Status removed = co_await docker::remove_image(client_, std::string(kMarksName) + ":" + tag);
}

// Removes the names; an image that has no other and that nothing stands upon goes with its name, and so do those
// beneath.
net::Task<void> DockerEngine::remove_marks(std::string nonce, int count) {
  for (int number = count; number > 0; --number) {
    const std::string mark = std::string(kMarksName) + ":" + mark_prefix(nonce) + std::to_string(number);
    const Status removed = co_await docker::remove_image(client_, mark);
    if (!removed) spdlog::debug("a build's mark stays: {}", removed.error().message);
  }
}

net::Task<Result<v1::PruneBuildsReply>> DockerEngine::prune_builds(v1::PruneBuildsRequest request) {
  CO_TRY_ASSIGN(const auto marks, co_await docker::list_images(client_, kMarksName));
  v1::PruneBuildsReply reply;
  const auto is_forsaken = [this](const std::string& name) {
    const std::string prefix = std::string(kMarksName) + ":";
    if (!name.starts_with(prefix + options_.instance + ".")) return false;
    return std::ranges::none_of(std::views::keys(builds_), [&](const std::string& nonce) {
      return name.starts_with(prefix + mark_prefix(nonce));
    });
  };
  std::map<std::string, Remains> builds;  // by the marks' names without the number
  for (const docker::ImageSummary& mark : marks)
    if (is_forsaken(mark.reference)) builds[mark.reference.substr(0, mark.reference.rfind('.'))];
  if (builds.empty()) co_return reply;

  CO_TRY_ASSIGN(auto all, co_await docker::list_all_images(client_));
  Tree tree;
  for (docker::ImageNode& node : all) {
    if (!node.parent.empty()) tree.children.emplace(node.parent, node.id);
    tree.nodes[node.id] = std::move(node);
  }
  for (const auto& [id, node] : tree.nodes)
    if (!std::ranges::all_of(node.names, is_forsaken)) tree.keep(id);
  std::vector<Remains> oldest_first;
  std::set<std::string> claimed;  // two builds may have shared a layer
  std::int64_t left = 0;
  for (auto& [name, remains] : builds) {
    for (const docker::ImageSummary& mark : marks) {
      if (!mark.reference.starts_with(name + ".")) continue;
      remains.marks.push_back(mark.reference);
      remains.created_at_ms = std::max(remains.created_at_ms, mark.created_at_ms);
      std::vector<std::string> ids;
      if (tree.nodes.contains(mark.id)) tree.collect(mark.id, ids);
      for (std::string& id : ids) {
        if (!claimed.insert(id).second) continue;
        const std::int64_t bytes = tree.own_bytes(id);
        remains.images.emplace_back(std::move(id), bytes);
        remains.bytes += bytes;
      }
    }
    left += remains.bytes;
    oldest_first.push_back(std::move(remains));
  }
  std::ranges::sort(oldest_first, {}, &Remains::created_at_ms);
  for (const Remains& remains : oldest_first) {
    if (left <= request.keep_bytes() && remains.bytes > 0) continue;  // but marks of nothing go
    CO_TRY_ASSIGN(const std::int64_t freed, co_await remove_remains(client_, remains));
    left -= remains.bytes;
    reply.set_freed_bytes(reply.freed_bytes() + freed);
  }
  reply.set_kept_bytes(left);
  co_return reply;
}

}  // namespace paastech::pomegranate
