#pragma once
// The server's Ed25519 host key: made at first start, kept in a file of mode 0600, refused where others can read it.
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"

struct ssh_key_struct;

namespace paastech::git {

struct KeyFree {
  void operator()(ssh_key_struct* key) const;
};
using KeyHandle = std::unique_ptr<ssh_key_struct, KeyFree>;

Result<KeyHandle> read_or_make_host_key(const std::filesystem::path& path);
std::string key_fingerprint(const ssh_key_struct* key);  // "SHA256:…", as ssh-keygen -l prints; "" where it fails

}  // namespace paastech::git
