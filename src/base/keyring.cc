#include "base/keyring.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "base/folders.h"
#include "base/ids.h"
#include "base/text.h"

namespace paastech {
namespace {

constexpr const char* kRestore = "restore it from a backup; what it protects cannot be read without it";

// "k" and a number from 1, of at most 9 digits; 0 for anything else.
int number_of(std::string_view id) {
  int number = 0;
  if (id.size() < 2 || id.size() > 10 || id[0] != 'k' || id[1] == '0') return 0;
  const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() && number > 0 ? number : 0;
}

bool is_weak(const std::string& key) {
  return key.size() != kKeyBytes || std::ranges::count(key, key.front()) == static_cast<std::ptrdiff_t>(key.size());
}

Result<SealingKey> parse_line(std::string_view line, std::size_t number) {
  const auto bad = [number](const std::string& why) {
    return fail(Code::kFailedPrecondition, fmt::format("line {} {}", number, why));
  };
  const std::vector<std::string> words = split(line, ' ');
  SealingKey key;
  if (words.size() != 3 || number_of(words[0]) == 0) return bad("is not `ID KEY CREATED_AT`");
  key.id = words[0];
  if (!from_base64(words[1], key.bytes) || key.bytes.size() != kKeyBytes)
    return bad(fmt::format("does not hold a key of {} bytes", kKeyBytes));
  if (is_weak(key.bytes)) return bad("holds a key that is not random");
  const char* end = words[2].data() + words[2].size();
  const auto [stop, error] = std::from_chars(words[2].data(), end, key.created_at);
  if (error != std::errc() || stop != end || key.created_at < 0) return bad("has no date");
  return key;
}

std::int64_t modified_at(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return 0;
  return std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

struct Stored {
  Keyring keys;
  bool raw = false;
};

Result<Stored> read_stored(const std::filesystem::path& file) {
  TRY_ASSIGN(const std::string content, read_secret_file(file));
  const auto refuse = [&file](const std::string& why) {
    return fail(Code::kFailedPrecondition, fmt::format("the secret file {} {}", file.string(), why), kRestore);
  };
  if (content.size() == kKeyBytes) {
    if (is_weak(content)) return refuse("holds a key that is not random");
    return Stored{Keyring({{std::string(kFirstKeyId), content, modified_at(file)}}), true};
  }
  if (content.empty()) return refuse("is empty");
  if (content.size() < kKeyBytes)
    return refuse(fmt::format("has {} bytes, too short for a key of {}", content.size(), kKeyBytes));
  Result<Keyring> keys = Keyring::parse(content);
  if (!keys) return refuse("is damaged: " + keys.error().message);
  return Stored{std::move(*keys), false};
}

Result<Keyring> store(const std::filesystem::path& file, std::vector<SealingKey> keys) {
  Keyring ring(std::move(keys));
  TRY(write_file(file, ring.text(), 0600));
  return ring;
}

// Writing it anew makes it ours: the Service, running as another user, could not read it any more.
Status check_owner(const std::filesystem::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0 || info.st_uid == ::geteuid()) return {};
  return fail(Code::kFailedPrecondition,
              fmt::format("the secret file {} belongs to user {}, but this program runs as user {}", file.string(),
                          info.st_uid, ::geteuid()),
              fmt::format("run it as that user: sudo -u '#{}' paastechd …", info.st_uid));
}

SealingKey new_key(int number, std::int64_t now_ms) {
  return {fmt::format("k{}", number), random_bytes(kKeyBytes), now_ms};
}

}  // namespace

Result<Keyring> Keyring::parse(std::string_view text) {
  std::vector<SealingKey> keys;
  std::vector<std::string> lines = split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  for (const std::string& line : lines) {
    TRY_ASSIGN(SealingKey key, parse_line(line, keys.size() + 1));
    if (std::ranges::find(keys, key.id, &SealingKey::id) != keys.end())
      return fail(Code::kFailedPrecondition, fmt::format("it holds two keys {}", key.id));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return fail(Code::kFailedPrecondition, "it holds no key");
  return Keyring(std::move(keys));
}

std::string Keyring::text() const {
  std::string out;
  for (const SealingKey& key : keys_) out += fmt::format("{} {} {}\n", key.id, base64(key.bytes), key.created_at);
  return out;
}

const SealingKey* Keyring::find(std::string_view id) const {
  const auto found = std::ranges::find(keys_, id, &SealingKey::id);
  return found == keys_.end() ? nullptr : &*found;
}

Result<Keyring> read_keys(const std::filesystem::path& file) {
  TRY_ASSIGN(Stored stored, read_stored(file));
  return std::move(stored.keys);
}

Result<Keyring> read_or_make_keys(const std::filesystem::path& file, std::int64_t now_ms) {
  TRY_ASSIGN(const FolderLock lock, FolderLock::take(file.parent_path()));
  if (!std::filesystem::exists(file)) return store(file, {new_key(1, now_ms)});
  TRY_ASSIGN(Stored stored, read_stored(file));
  if (stored.raw && check_owner(file)) return store(file, stored.keys.keys());
  return std::move(stored.keys);
}

Result<Keyring> add_key(const std::filesystem::path& file, std::int64_t now_ms) {
  TRY_ASSIGN(const FolderLock lock, FolderLock::take(file.parent_path()));
  TRY_ASSIGN(Stored stored, read_stored(file));
  TRY(check_owner(file));
  std::vector<SealingKey> keys = stored.keys.keys();
  int highest = 0;
  for (const SealingKey& key : keys) highest = std::max(highest, number_of(key.id));
  keys.push_back(new_key(highest + 1, now_ms));
  return store(file, std::move(keys));
}

Result<Keyring> drop_keys(const std::filesystem::path& file, const std::vector<std::string>& ids) {
  TRY_ASSIGN(const FolderLock lock, FolderLock::take(file.parent_path()));
  TRY_ASSIGN(Stored stored, read_stored(file));
  TRY(check_owner(file));
  std::vector<SealingKey> keys = stored.keys.keys();
  if (std::ranges::find(ids, keys.back().id) != ids.end())
    return fail(Code::kInvalidArgument, fmt::format("{} is the key that seals; it cannot be dropped", keys.back().id));
  std::erase_if(keys, [&ids](const SealingKey& key) { return std::ranges::find(ids, key.id) != ids.end(); });
  return store(file, std::move(keys));
}

}  // namespace paastech
