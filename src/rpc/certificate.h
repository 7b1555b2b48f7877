#pragma once
// X.509 for the roles, in PEM text: keys on the curve P-256, the authority's certificate, the roles' certificates.
// A role's certificate names it twice: as the URI that the server's gate reads, and as the host name that a caller
// checks. It serves both ends of a connection. Pure: no files, no clock. Thread: any.
// Failures: kFailedPrecondition: the text is not what it should be, and why; kInternal: OpenSSL refused. No message
// holds key bytes; callers name the file.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::rpc {

inline constexpr std::int64_t kDayMs = 86'400'000;
inline constexpr std::int64_t kRoleDays = 365;           // a role's certificate is good for so long
inline constexpr std::int64_t kAuthorityDays = 3'650;    // the authority's
inline constexpr std::int64_t kBackdatedMs = 3'600'000;  // for clocks that disagree between hosts

std::string role_uri(std::string_view role);  // paastech://role/ROLE
std::string role_host(
    std::string_view role);  // ROLE.role.paastech.internal; .internal is in no public DNS (ICANN 2024)

struct Signer {
  std::string key;
  std::string certificate;
};

struct CertificateFacts {
  std::string role;  // empty: not a role's
  bool authority = false;
  std::int64_t begins_ms = 0;
  std::int64_t expires_ms = 0;
};

Result<std::string> make_key();
Result<std::string> make_authority_certificate(const std::string& key, std::int64_t now_ms);
// Never outlives the authority.
Result<std::string> make_role_certificate(const Signer& authority, const std::string& role_key, std::string_view role,
                                          std::int64_t now_ms);
Result<CertificateFacts> read_certificate(const std::string& certificate);
// The key is strong enough (128 bits: P-256, RSA of 3072; NIST SP 800-57 part 1, table 2).
Status check_key(const std::string& key);
Status check_pair(const std::string& key, const std::string& certificate);  // the key is the certificate's own
Status check_issuer(const std::string& certificate, const std::string& authority);

}  // namespace paastech::rpc
