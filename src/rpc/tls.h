#pragma once
// gRPC between roles on several hosts: mutual TLS with the certificates of the Service's authority. Both ends show one;
// a server lets its callers pass by the Gate alone, a caller accepts only the role that it wanted to reach. The files
// are read again every minute, so a renewed certificate is in use, for new connections, without a restart. Thread: load
// once, then any. Failures: kFailedPrecondition, naming the file: readable by others, weak, damaged, of another role or
// authority, expired; kNotFound: missing.
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rpc/certificate.h"

namespace paastech::rpc {

struct RoleFiles {
  RoleFiles(const std::filesystem::path& folder, std::string_view role);
  std::filesystem::path authority;
  std::filesystem::path certificate;
  std::filesystem::path key;
};

// The PEM text of a private key: mode 0600, strong enough.
Result<std::string> read_private_key(const std::filesystem::path& path);
// What the three files hold; every way in which they cannot serve the role at that time is an error.
Result<CertificateFacts> check_role_files(const RoleFiles& files, std::string_view role, std::int64_t now_ms);

class TlsIdentity {
 public:
  static constexpr unsigned kReadEverySeconds = 60;
  // The folder holds ca.crt, ROLE.crt and ROLE.key (rpc/authority.h).
  static Result<TlsIdentity> load(const std::filesystem::path& folder, std::string_view role, std::int64_t now_ms,
                                  unsigned read_every_seconds = kReadEverySeconds);
  std::shared_ptr<grpc::ServerCredentials> server_credentials() const;  // a certificate is demanded; behind a Gate
  // A channel to the role `peer` at host:port. Connects when first used, and again after a loss, within a second.
  std::shared_ptr<grpc::Channel> channel(const std::string& address, std::string_view peer) const;

 private:
  using Provider = grpc::experimental::FileWatcherCertificateProvider;
  explicit TlsIdentity(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {}
  std::shared_ptr<Provider> provider_;
};

}  // namespace paastech::rpc
