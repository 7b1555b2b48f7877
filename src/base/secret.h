#pragma once
// Values that are encrypted at rest, and passwords. Thread: safe from any; hash_password blocks for tens of
// milliseconds.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

// Seals with XChaCha20-Poly1305 (libsodium), bound to `context`: a sealed value moved to another context does not open.
// The form is "v1:" + base64(nonce + ciphertext).
class SecretBox {
 public:
  explicit SecretBox(std::string key32);
  std::string seal(std::string_view plain, std::string_view context) const;
  Result<std::string> open(std::string_view sealed, std::string_view context) const;  // kInternal: wrong key or moved

 private:
  std::string key_;
};

// Argon2id at libsodium's INTERACTIVE limits (64 MiB, 2 passes; RFC 9106). The text form holds its own parameters.
std::string hash_password(std::string_view password);
bool verify_password(std::string_view hash, std::string_view password);

}  // namespace paastech
