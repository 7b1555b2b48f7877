#include "domain/ssh_key.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "base/text.h"

namespace paastech {
namespace {

constexpr std::size_t kMaxLine = 16'384;  // the longest line: RSA of 16384 bits is about 2.8 KiB; the rest is comment
constexpr std::size_t kMaxComment = 200;
constexpr int kMinRsaBits = 2'048;   // NIST SP 800-131A
constexpr int kMaxRsaBits = 16'384;  // OpenSSH's own limit (SSHBUF_MAX_BIGNUM)
constexpr std::string_view kHowTo = "make one: ssh-keygen -t ed25519, then add the file that ends in .pub";

std::unexpected<Error> bad_key(std::string message, std::string hint = std::string(kHowTo)) {
  return fail(Code::kInvalidArgument, std::move(message), std::move(hint));
}

// Reads the fields of a blob: strings with a 32-bit big-endian length (RFC 4251 section 5).
class Blob {
 public:
  explicit Blob(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::string_view> field() {
    if (rest_.size() < 4) return std::nullopt;
    std::uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(rest_[static_cast<std::size_t>(i)]);
    if (size > rest_.size() - 4) return std::nullopt;
    const std::string_view value = rest_.substr(4, size);
    rest_.remove_prefix(4 + size);
    return value;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

enum class Shape { kEd25519, kEcdsa, kRsa };
struct Kind {
  std::string_view type;
  Shape shape;
  bool hardware;  // a FIDO key: one more field, the application
  std::string_view curve;
  std::size_t point;  // bytes of an uncompressed point (SEC 1 section 2.3.3)
};
constexpr std::array kKinds{
    Kind{"ssh-ed25519", Shape::kEd25519, false, "", 0},
    Kind{"ecdsa-sha2-nistp256", Shape::kEcdsa, false, "nistp256", 65},
    Kind{"ecdsa-sha2-nistp384", Shape::kEcdsa, false, "nistp384", 97},
    Kind{"ecdsa-sha2-nistp521", Shape::kEcdsa, false, "nistp521", 133},
    Kind{"ssh-rsa", Shape::kRsa, false, "", 0},
    Kind{"sk-ssh-ed25519@openssh.com", Shape::kEd25519, true, "", 0},
    Kind{"sk-ecdsa-sha2-nistp256@openssh.com", Shape::kEcdsa, true, "nistp256", 65},
};

// The bits of a positive mpint, or -1 where it is negative or empty.
int bits_of(std::string_view number) {
  if (number.empty() || static_cast<unsigned char>(number[0]) >= 0x80) return -1;
  while (!number.empty() && number[0] == '\0') number.remove_prefix(1);
  if (number.empty()) return -1;
  return static_cast<int>(number.size() - 1) * 8 + std::bit_width(static_cast<unsigned char>(number[0]));
}

Status check_rsa(Blob& blob) {
  const auto exponent = blob.field();
  const auto modulus = blob.field();
  if (!exponent || !modulus || bits_of(*exponent) < 2 || !(exponent->back() & 1) || bits_of(*modulus) < 1)
    return bad_key("the RSA key is damaged", "paste the whole line of the .pub file again");
  const int bits = bits_of(*modulus);
  if (bits < kMinRsaBits) return bad_key("the RSA key has " + std::to_string(bits) + " bits; at least 2048 are needed");
  if (bits > kMaxRsaBits) return bad_key("the RSA key has " + std::to_string(bits) + " bits; at most 16384 are taken");
  return {};
}

Status check_blob(const Kind& kind, std::string_view bytes) {
  const std::string again = "paste the whole line of the .pub file again";
  Blob blob(bytes);
  const auto type = blob.field();
  if (!type) return bad_key("the key is cut off or damaged", again);
  if (*type != kind.type) return bad_key("the line says it is a key of another type than it is", again);
  if (kind.shape == Shape::kRsa) {
    TRY(check_rsa(blob));
  } else if (kind.shape == Shape::kEd25519) {
    const auto key = blob.field();
    if (!key || key->size() != 32) return bad_key("the Ed25519 key is damaged", again);
  } else {
    const auto curve = blob.field();
    const auto point = blob.field();
    if (!curve || *curve != kind.curve || !point || point->size() != kind.point || point->front() != '\x04')
      return bad_key("the ECDSA key is damaged", again);
  }
  if (kind.hardware) {
    const auto application = blob.field();
    if (!application || application->empty()) return bad_key("the security key's line is damaged", again);
  }
  if (!blob.at_end()) return bad_key("the key has something behind its end", again);
  return {};
}

std::string clean_comment(std::string_view text) {
  std::string out;
  const std::string coloured = sanitize_terminal(text);
  for (const char c : coloured)
    if (static_cast<unsigned char>(c) >= 0x20) out.push_back(c);
  out.resize(first_bytes(out, kMaxComment).size());
  return out;
}

Status refuse_other_files(std::string_view text) {
  const bool pem = text.find("-----BEGIN") != std::string_view::npos;
  if ((pem && text.find("PRIVATE KEY") != std::string_view::npos) || text.starts_with("PuTTY-User-Key-File"))
    return bad_key("this is a private key, which nobody but you should ever see; it was not stored",
                   "it has left your machine now, so make a new pair with ssh-keygen -t ed25519 and add the .pub file");
  if (text.starts_with("---- BEGIN SSH2 PUBLIC KEY"))
    return bad_key("this is a public key in the SSH2 form", "turn it into OpenSSH's: ssh-keygen -i -f FILE");
  if (text.starts_with("-----BEGIN"))
    return bad_key("this is a PEM file, not an OpenSSH public key", "turn it: ssh-keygen -i -m PKCS8 -f FILE");
  if (text.find_first_of("\r\n") != std::string_view::npos)
    return bad_key("a public key is one line, and this has several", "add one key at a time");
  return {};
}

}  // namespace

Result<SshKey> parse_ssh_public_key(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad_key("the public key is empty");
  if (text.size() > kMaxLine) return bad_key("this is too long for a public key");
  TRY(refuse_other_files(text));
  const std::size_t type_end = text.find_first_of(" \t");
  const std::string_view type = text.substr(0, type_end);
  if (type == "ssh-dss") return bad_key("DSA keys are too weak and are not taken");
  const Kind* kind = nullptr;
  for (const Kind& k : kKinds)
    if (k.type == type) kind = &k;
  if (kind == nullptr)
    return bad_key(
        "this is not an OpenSSH public key: its line starts with ssh-ed25519, ecdsa-sha2-nistp256/384/521, "
        "ssh-rsa, sk-ssh-ed25519@openssh.com or sk-ecdsa-sha2-nistp256@openssh.com");
  if (type_end == std::string_view::npos) return bad_key("the line ends after the type; the key itself is missing");
  const std::string_view rest = trim(text.substr(type_end));
  const std::size_t blob_end = rest.find_first_of(" \t");
  SshKey key;
  key.type = type;
  key.blob64 = rest.substr(0, blob_end);
  std::string blob;
  if (!from_base64(key.blob64, blob))
    return bad_key("the key is not valid base64; a part of it is missing",
                   "paste the whole line of the .pub file again");
  TRY(check_blob(*kind, blob));
  if (blob_end != std::string_view::npos) key.comment = clean_comment(trim(rest.substr(blob_end)));
  std::string digest = base64(sha256(blob));
  while (digest.ends_with('=')) digest.pop_back();
  key.fingerprint = "SHA256:" + digest;
  return key;
}

}  // namespace paastech
