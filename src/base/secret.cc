#include "base/secret.h"

#include <sodium.h>

#include <new>

#include "base/ids.h"

namespace paastech {
namespace {
constexpr std::string_view kVersion = "v1:";
const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
}  // namespace

SecretBox::SecretBox(std::string key32) : key_(std::move(key32)) {
  key_.resize(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
}

std::string SecretBox::seal(std::string_view plain, std::string_view context) const {
  std::string nonce(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, '\0');
  randombytes_buf(nonce.data(), nonce.size());
  std::string cipher(plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(cipher), &size, bytes_of(plain), plain.size(), bytes_of(context),
                                             context.size(), nullptr, bytes_of(nonce), bytes_of(key_));
  cipher.resize(size);
  return std::string(kVersion) + base64(nonce + cipher);
}

Result<std::string> SecretBox::open(std::string_view sealed, std::string_view context) const {
  std::string raw;
  const std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  const bool shaped = sealed.starts_with(kVersion) && from_base64(sealed.substr(kVersion.size()), raw) &&
                      raw.size() >= nonce_size + crypto_aead_xchacha20poly1305_ietf_ABYTES;
  if (!shaped) return fail(Code::kInternal, "a sealed value is damaged");
  const std::string nonce = raw.substr(0, nonce_size);
  const std::string cipher = raw.substr(nonce_size);
  std::string plain(cipher.size(), '\0');
  unsigned long long size = 0;
  const int bad =
      crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), &size, nullptr, bytes_of(cipher), cipher.size(),
                                                 bytes_of(context), context.size(), bytes_of(nonce), bytes_of(key_));
  if (bad != 0)
    return fail(Code::kInternal, "a sealed value does not open with this key",
                "check that the key file is the one this data was written with");
  plain.resize(size);
  return plain;
}

std::string hash_password(std::string_view password) {
  std::string out(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) != 0)
    throw std::bad_alloc();
  out.resize(out.find('\0'));
  return out;
}

bool verify_password(std::string_view hash, std::string_view password) {
  const std::string terminated(hash);
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

}  // namespace paastech
