#pragma once
// ADD unpacks a packed file inside the Engine, where neither time, memory nor the disk's limit holds, and a few KiB can
// become terabytes (threat 10). The builder looks at the content, not at the name, so that this does too. Pure.
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::pomegranate {

// What the first bytes of a file say that the builder would unpack: a tar, or gzip, bzip2, xz or zstd. By the Engine's
// own rules (moby, pkg/archive), taking every gzip for a tar.
bool is_packed(std::string_view head);
inline constexpr std::size_t kPackedHead = 512;  // bytes of a file that is_packed() wants to see

// What a build context holds that ADD may meet.
class PackedFiles {
 public:
  void packed(const std::string& path);
  void indirect(const std::string& path);  // a link, or what else leads elsewhere
  // kInvalidArgument for a Dockerfile's text where a source of ADD is packed, or may be by the way it is written.
  Status check(std::string_view dockerfile) const;

 private:
  void keep(const std::string& path);
  std::set<std::string, std::less<>> suspects_ = {};
  std::size_t bytes_ = 0;
  bool any_packed_ = false;
  bool too_many_ = false;  // then every source but the whole context is refused
};

}  // namespace paastech::pomegranate
