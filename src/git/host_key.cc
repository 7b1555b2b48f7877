#include "git/host_key.h"

#include <fmt/format.h>
#include <libssh/libssh.h>

#include "base/files.h"

namespace paastech::git {

void KeyFree::operator()(ssh_key_struct* key) const { ssh_key_free(key); }

Result<KeyHandle> read_or_make_host_key(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    ssh_key raw = nullptr;
    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &raw) != SSH_OK)
      return fail(Code::kInternal, "cannot make an SSH host key");
    const KeyHandle made(raw);
    char* text = nullptr;
    if (ssh_pki_export_privkey_base64(raw, nullptr, nullptr, nullptr, &text) != SSH_OK)
      return fail(Code::kInternal, "cannot write out the SSH host key");
    const std::string content = text;
    ssh_string_free_char(text);
    TRY(write_file(path, content, 0600));
  }
  TRY_ASSIGN(const std::string content, read_secret_file(path));
  ssh_key raw = nullptr;
  if (ssh_pki_import_privkey_base64(content.c_str(), nullptr, nullptr, nullptr, &raw) != SSH_OK)
    return fail(Code::kFailedPrecondition, fmt::format("{} is not a private SSH key without passphrase", path.string()),
                "restore it from a backup, or remove it: a new one is made, which every Client must then accept");
  return KeyHandle(raw);
}

std::string key_fingerprint(const ssh_key_struct* key) {
  unsigned char* hash = nullptr;
  std::size_t length = 0;
  // libssh's C interface takes ssh_key, a pointer to non-const, as a const value only; it does not write to it.
  if (ssh_get_publickey_hash(const_cast<ssh_key>(key), SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != 0) return {};
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
  ssh_clean_pubkey_hash(&hash);
  if (text == nullptr) return {};
  std::string fingerprint = text;
  ssh_string_free_char(text);
  return fingerprint;
}

}  // namespace paastech::git
