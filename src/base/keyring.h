#pragma once
// The keys that values at rest are sealed with, and the file that holds them: <home>/secret.key, mode 0600. One line a
// key, `ID BASE64 CREATED_AT_MS`; the last one seals, the others still open what they sealed. A file of 32 raw bytes is
// the form of before and holds the key k1. Keys are dated and named k1, k2 …; names are never used again.
// Changes are atomic and durable, and exclude each other between processes (flock of the folder).
// Thread: Keyring is a value; the functions of the file block.
// Failures: kNotFound: no file; kFailedPrecondition: others can read it, it is empty, damaged or weak, or it belongs to
// another user. No message holds key bytes.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech {

inline constexpr std::size_t kKeyBytes = 32;           // XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03)
inline constexpr std::string_view kFirstKeyId = "k1";  // of a file of the raw form, and of values of the form v1

struct SealingKey {
  std::string id;
  std::string bytes;
  std::int64_t created_at = 0;  // milliseconds since 1970, UTC
};

class Keyring {
 public:
  explicit Keyring(std::vector<SealingKey> keys) : keys_(std::move(keys)) {}  // one at least
  static Result<Keyring> parse(std::string_view text);                        // the text form alone
  std::string text() const;
  const std::vector<SealingKey>& keys() const { return keys_; }  // oldest first
  const SealingKey& newest() const { return keys_.back(); }
  const SealingKey* find(std::string_view id) const;  // nullptr: unknown

 private:
  std::vector<SealingKey> keys_;
};

Result<Keyring> read_keys(const std::filesystem::path& file);
// At start: makes the file with one key where there is none; writes the raw form anew as text.
Result<Keyring> read_or_make_keys(const std::filesystem::path& file, std::int64_t now_ms);
Result<Keyring> add_key(const std::filesystem::path& file, std::int64_t now_ms);  // what seals from now on
// Takes keys out of the file, for ever; never the newest.
Result<Keyring> drop_keys(const std::filesystem::path& file, const std::vector<std::string>& ids);

}  // namespace paastech
