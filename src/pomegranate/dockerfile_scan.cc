#include "pomegranate/dockerfile_scan.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "pomegranate/tar_header.h"

namespace paastech::pomegranate {

namespace {

constexpr std::size_t kMaxDockerfile = 256 << 10;    // each step's image keeps the text of all steps before it
constexpr std::size_t kMaxPax = 64 << 10;            // git writes a path and a link target, each at most PATH_MAX
constexpr std::size_t kMaxPath = 4096;               // PATH_MAX of Linux: nothing longer can be made of it
constexpr auto kIgnoring = std::chrono::seconds(2);  // for the .dockerignore in all, on a loop that serves all Projects

std::string plain_path(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  while (path.ends_with("/")) path.remove_suffix(1);
  return std::string(path);
}

// Records of "<length> <key>=<value>\n"; gives the value of `path`, or nothing. A record that changes what follows the
// header (a size, a sparse map) would let two readers see two different archives: git writes none below 8 GiB.
Result<std::string> pax_path(std::string_view body) {
  std::string path;
  while (!body.empty()) {
    std::size_t length = 0;
    const auto parsed = std::from_chars(body.data(), body.data() + body.size(), length);
    const std::size_t start = static_cast<std::size_t>(parsed.ptr - body.data()) + 1;
    if (parsed.ec != std::errc() || length <= start || length > body.size()) break;
    const std::string_view record = body.substr(start, length - start - 1);
    if (record.starts_with("path=")) path = record.substr(5);
    if (record.starts_with("size=") || record.starts_with("GNU."))
      return fail(Code::kInvalidArgument, "the build context holds a file that is too large");
    body.remove_prefix(length);
  }
  return path;
}

}  // namespace

DockerfileScan::DockerfileScan(std::string path, Check check, build::Dockerignore ignore)
    : path_(plain_path(path)), check_(std::move(check)), ignore_(std::move(ignore)) {}

Status DockerfileScan::missing() const {
  return fail(Code::kInvalidArgument, "there is no regular file " + path_ + " in the build context",
              "commit it, or name another in paastech.yaml: build: {dockerfile: PATH}");
}

std::string DockerfileScan::entry_path() const {
  if (!long_path_.empty()) return long_path_;
  const std::string_view prefix = tar_field(header_, kTarPrefix, 155);
  const std::string name(tar_field(header_, kTarName, 100));
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

Result<std::string> DockerfileScan::add(std::string piece) {
  std::string out;
  TRY(take(piece, out));
  return ignore_.empty() ? std::move(piece) : std::move(out);
}

Status DockerfileScan::take(std::string_view piece, std::string& out) {
  while (!piece.empty() && !ended_) {
    if (!in_entry_) {
      const std::size_t take = std::min(kTarBlock - header_.size(), piece.size());
      header_.append(piece.substr(0, take));
      piece.remove_prefix(take);
      if (header_.size() == kTarBlock) TRY(take_header(out));
      continue;
    }
    const std::string_view before = piece;
    const std::size_t content = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece.size()));
    if (purpose_ != Purpose::kSkip) body_.append(piece.substr(0, content));
    if (looks_) head_.append(piece.substr(0, std::min(content, kPackedHead - head_.size())));
    left_ -= content;
    piece.remove_prefix(content);
    const std::size_t fill = static_cast<std::size_t>(std::min<std::uint64_t>(padding_, piece.size()));
    if (left_ == 0) {
      padding_ -= fill;
      piece.remove_prefix(fill);
    }
    pass(before.substr(0, before.size() - piece.size()), out);
    // Judged with the last content byte, before any of the padding is let through.
    if (left_ == 0 && (padding_ == 0 || !body_.empty())) TRY(end_entry());
  }
  pass(piece, out);  // what is behind its end
  return {};
}

void DockerfileScan::pass(std::string_view bytes, std::string& out) {
  if (ignore_.empty() || way_ == Way::kLeftOut) return;
  (way_ == Way::kHeld ? held_ : out).append(bytes);
}

// An entry that goes on takes its held headers with it.
Status DockerfileScan::keep_or_leave(const std::string& path, std::string& out) {
  if (path != path_ && path != ".dockerignore") {
    const auto began = std::chrono::steady_clock::now();
    TRY_ASSIGN(const bool leave, ignore_.excludes(path));
    ignoring_ += std::chrono::steady_clock::now() - began;
    if (ignoring_ > kIgnoring)
      return fail(Code::kInvalidArgument, ".dockerignore takes too long to be applied to so many files",
                  "write fewer and plainer patterns");
    if (leave) way_ = Way::kLeftOut;
  }
  pass(std::exchange(held_, {}), out);
  return {};
}

Status DockerfileScan::take_header(std::string& out) {
  way_ = Way::kHeld;
  pass(header_, out);
  // The archive ends with two blocks of zeros; nothing is read after the first.
  if (header_.find_first_not_of('\0') == std::string::npos) {
    ended_ = true;
    way_ = Way::kOn;
    pass(std::exchange(held_, {}), out);
    return seen_ ? Status{} : missing();
  }
  std::uint64_t size = 0;
  if (header_.compare(kTarMagic, 5, "ustar") != 0 || !has_tar_checksum(header_) ||
      !tar_number(tar_field(header_, kTarSize, 12), size))
    return fail(Code::kInvalidArgument, "the build context is not a tar archive that can be read here");
  const char type = header_[kTarType];
  purpose_ = Purpose::kSkip;
  body_.clear();
  left_ = type == '1' || type == '2' || type == '5' ? 0 : size;
  padding_ = (kTarBlock - left_ % kTarBlock) % kTarBlock;
  if (held_.size() > 2 * kMaxPax) return fail(Code::kInvalidArgument, "a path in the build context is too long");
  if (type == 'x' || type == 'L' || type == 'K') {
    if (size > kMaxPax) return fail(Code::kInvalidArgument, "a path in the build context is too long");
    if (type != 'K') purpose_ = type == 'x' ? Purpose::kPax : Purpose::kLongName;  // K: a target, stays with its link
  } else if (type == 'g') {
    way_ = Way::kOn;
    pass(std::exchange(held_, {}), out);
  } else {
    way_ = Way::kOn;
    const std::string path = plain_path(entry_path());
    long_path_.clear();
    if (path.size() > kMaxPath) return fail(Code::kInvalidArgument, "a path in the build context is too long");
    const std::vector<std::string> parts = split(path, '/');
    if (path.starts_with("/") || std::ranges::find(parts, "..") != parts.end())
      return fail(Code::kInvalidArgument, "the build context holds a path that leads out of it");
    if (path == ".dockerignore" && size > build::kMaxIgnoreBytes)
      return fail(Code::kInvalidArgument, ".dockerignore is larger than the limit of 64 KiB");
    if (path == path_) {
      if (type != '0' && type != '\0')
        return fail(Code::kInvalidArgument, path_ + " is a link or a directory, but must be a regular file",
                    "commit the Dockerfile itself in its place");
      if (size > kMaxDockerfile) return fail(Code::kInvalidArgument, path_ + " is larger than the limit of 256 KiB");
      purpose_ = Purpose::kDockerfile;
    }
    TRY(keep_or_leave(path, out));
    if (way_ == Way::kOn) look_at(path, type);
  }
  header_.clear();
  in_entry_ = true;
  return left_ == 0 && padding_ == 0 ? end_entry() : Status{};
}

// At what ADD may meet: the content of a file, and where something else leads.
void DockerfileScan::look_at(const std::string& path, char type) {
  looks_ = type == '0' || type == '\0';
  if (looks_) looked_at_ = path;
  if (!looks_ && type != '5') packed_.indirect(path);
}

Status DockerfileScan::end_entry() {
  if (std::exchange(looks_, false) && is_packed(head_)) packed_.packed(looked_at_);
  head_.clear();
  const Purpose purpose = std::exchange(purpose_, Purpose::kSkip);
  if (purpose == Purpose::kPax) {
    TRY_ASSIGN(long_path_, pax_path(body_));
  }
  if (purpose == Purpose::kLongName) long_path_ = std::string(body_.c_str());
  if (purpose == Purpose::kDockerfile) {
    seen_ = true;
    TRY(check_(body_));
    dockerfile_ = body_;
  }
  body_.clear();
  in_entry_ = padding_ != 0;
  return {};
}

Status DockerfileScan::finish() {
  if (!seen_) return missing();
  return packed_.check(dockerfile_);
}

}  // namespace paastech::pomegranate
