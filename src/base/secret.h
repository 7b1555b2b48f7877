#pragma once
// Values that are encrypted at rest, and passwords. Thread: safe from any; hash_password blocks for tens of
// milliseconds, a SecretBox of a file for the reading of a small file where that has changed.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/keyring.h"
#include "base/result.h"

namespace paastech {

// Seals with XChaCha20-Poly1305 (libsodium), bound to `context`: a sealed value moved to another context does not open.
// The form is "v2:KEY:" + base64(nonce + ciphertext), KEY the id of the key (base/keyring.h). "v1:" + base64 is the
// form of before there were several keys; the key k1 opens it. A box of a file follows it: seal() looks whether the
// file has changed, open() where a value names an unknown key. Where the file cannot be read then, that is logged and
// the box goes on with the keys it knows. What it once knew it goes on to open, for a value read before may still be
// under way.
class SecretBox {
 public:
  explicit SecretBox(std::string key32);                                // one key, k1, that never changes
  static Result<SecretBox> of_file(const std::filesystem::path& file);  // fails as read_keys()
  SecretBox(SecretBox&&) noexcept;
  SecretBox& operator=(SecretBox&&) = delete;
  ~SecretBox();

  std::string seal(std::string_view plain, std::string_view context) const;
  // kInternal, naming the context: damaged, sealed with an unknown key, or moved, changed or sealed with another key of
  // the same name.
  Result<std::string> open(std::string_view sealed, std::string_view context) const;
  std::string newest_key() const;  // the id of what seal() uses now

 private:
  struct State;
  explicit SecretBox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The id of the key that a sealed value names; empty where it does not have the form of one.
std::string_view sealing_key_of(std::string_view sealed);

// Argon2id at libsodium's INTERACTIVE limits (64 MiB, 2 passes; RFC 9106) of the NFC form; holds its own parameters.
std::string hash_password(std::string_view password);
bool verify_password(std::string_view hash, std::string_view password);

}  // namespace paastech
