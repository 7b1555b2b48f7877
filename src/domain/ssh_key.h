#pragma once
// OpenSSH public keys as Clients paste them: "TYPE BASE64 COMMENT". Pure; the blob is checked field by field (RFC 4253
// section 6.6, RFC 5656 section 3.1, RFC 8709, OpenSSH PROTOCOL.u2f), so that only a key that can log in is stored.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech {

struct SshKey {
  std::string type;         // ssh-ed25519
  std::string blob64;       // base64 of the blob, as in the line
  std::string fingerprint;  // "SHA256:" + unpadded base64, as ssh-keygen -l prints
  std::string comment;      // at most 200 bytes, without control characters
};

// kInvalidArgument says what is wrong with the line and what to do.
Result<SshKey> parse_ssh_public_key(std::string_view text);

}  // namespace paastech
