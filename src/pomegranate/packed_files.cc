#include "pomegranate/packed_files.h"

#include "base/text.h"
#include "build/dockerfile.h"
#include "pomegranate/tar_header.h"

namespace paastech::pomegranate {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxKept = 1 << 20;  // bytes of paths

// "./a/b/" and "/a/b" are a/b to the builder.
std::string_view plain_source(std::string_view source) {
  while (source.starts_with("./") || source.starts_with("/")) source.remove_prefix(source.starts_with("/") ? 1 : 2);
  while (source.ends_with("/") || source.ends_with("/.")) source.remove_suffix(source.ends_with("/") ? 1 : 2);
  return source;
}

// Whether the builder sees exactly this path: no pattern, no variable, no detour.
bool is_literal(std::string_view source) {
  if (source.find_first_of("*?[]\\$\"'`") != std::string_view::npos) return false;
  for (const std::string& part : split(source, '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return true;
}

}  // namespace

bool is_packed(std::string_view head) {
  for (const std::string_view magic : {"\x1f\x8b"sv, "BZh"sv, "\xfd\x37zXZ\x00"sv, "\x28\xb5\x2f\xfd"sv})
    if (head.starts_with(magic)) return true;
  // zstd's skippable frames (RFC 8878 section 3.1.2)
  if (head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18"sv)
    return true;
  return head.size() >= kTarBlock && has_tar_checksum(head.substr(0, kTarBlock));
}

void PackedFiles::keep(const std::string& path) {
  bytes_ += path.size() + 64;
  if (bytes_ > kMaxKept) too_many_ = true;
  if (!too_many_) suspects_.insert(path);
}

void PackedFiles::packed(const std::string& path) {
  any_packed_ = true;
  keep(path);
}

void PackedFiles::indirect(const std::string& path) { keep(path); }

Status PackedFiles::check(std::string_view dockerfile) const {
  if (!any_packed_) return {};
  TRY_ASSIGN(const std::vector<build::AddSource> sources, build::add_sources(dockerfile));
  for (const build::AddSource& source : sources) {
    const auto refuse = [&source](const std::string& what) {
      return fail(Code::kInvalidArgument,
                  "Dockerfile line " + std::to_string(source.line) + ": ADD would unpack " + what +
                      " outside of the build and its limits",
                  "COPY it, and unpack it in the build, for instance: RUN tar -xf FILE");
    };
    const std::string name = sanitize_terminal(source.path);
    const std::string_view path = plain_source(source.path);
    if (path.empty() || path == ".") continue;  // the context itself, which is copied
    if (!is_literal(path) || too_many_) return refuse("what `" + name + "` may name");
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
      if (suspects_.contains(path.substr(0, end))) return refuse("`" + name + "`");
      if (end == std::string_view::npos) break;
    }
  }
  return {};
}

}  // namespace paastech::pomegranate
