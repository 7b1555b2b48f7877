#include "rpc/tls.h"

#include <fmt/format.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "base/clock.h"
#include "base/files.h"
#include "rpc/allow.h"
#include "rpc/host.h"

namespace paastech::rpc {
namespace {

namespace fs = std::filesystem;

constexpr int kResolveEveryMs = 1'000;  // at most, while a role is not reached: it may have moved

std::string how_to_issue(std::string_view role) {
  return fmt::format(
      "start api with the same home, or make the files on api's host with `paastechd authority issue {} --out DIR` "
      "and set roles.certificates to their folder",
      role);
}

Result<std::string> read_certificate_file(const fs::path& path, std::string_view role) {
  auto text = read_file(path);
  if (!text && text.error().code == Code::kNotFound)
    return fail(Code::kNotFound, fmt::format("the certificate file {} is missing", path.string()), how_to_issue(role));
  return text;
}

}  // namespace

RoleFiles::RoleFiles(const fs::path& folder, std::string_view role)
    : authority(folder / "ca.crt"),
      certificate(folder / (std::string(role) + ".crt")),
      key(folder / (std::string(role) + ".key")) {}

Result<std::string> read_private_key(const fs::path& path) {
  TRY_ASSIGN(std::string key, read_secret_file(path));
  if (const Status strong = check_key(key); !strong)
    return fail(strong.error().code, fmt::format("the key file {} {}", path.string(), strong.error().message),
                "restore it from a backup, or move it away: the next start or `paastechd authority issue` makes "
                "a new one");
  return key;
}

Result<CertificateFacts> check_role_files(const RoleFiles& files, std::string_view role, std::int64_t now_ms) {
  TRY_ASSIGN(const std::string authority, read_certificate_file(files.authority, role));
  TRY_ASSIGN(const std::string certificate, read_certificate_file(files.certificate, role));
  if (!fs::exists(files.key))
    return fail(Code::kNotFound, fmt::format("the key file {} is missing", files.key.string()), how_to_issue(role));
  TRY_ASSIGN(const std::string key, read_private_key(files.key));
  const auto refuse = [&](const fs::path& file, const std::string& why) {
    return fail(Code::kFailedPrecondition, fmt::format("{} {}", file.string(), why), how_to_issue(role));
  };
  if (const auto facts = read_certificate(authority); !facts) return refuse(files.authority, facts.error().message);
  const auto facts = read_certificate(certificate);
  if (!facts) return refuse(files.certificate, facts.error().message);
  if (const Status own = check_pair(key, certificate); !own) return refuse(files.certificate, own.error().message);
  if (const Status ours = check_issuer(certificate, authority); !ours)
    return refuse(files.certificate, ours.error().message + ", not by that of " + files.authority.string());
  if (facts->role != role) return refuse(files.certificate, fmt::format("is not a certificate of the role {}", role));
  if (facts->expires_ms <= now_ms) return refuse(files.certificate, "expired at " + rfc3339(facts->expires_ms));
  if (facts->begins_ms > now_ms)
    return fail(Code::kFailedPrecondition,
                fmt::format("{} is not valid before {}", files.certificate.string(), rfc3339(facts->begins_ms)),
                "check the clock of this host");
  return *facts;
}

Result<TlsIdentity> TlsIdentity::load(const fs::path& folder, std::string_view role, std::int64_t now_ms,
                                      unsigned read_every_seconds) {
  const RoleFiles files(folder, role);
  TRY_ASSIGN([[maybe_unused]] const CertificateFacts facts, check_role_files(files, role, now_ms));
  return TlsIdentity(std::make_shared<Provider>(files.key.string(), files.certificate.string(),
                                                files.authority.string(), read_every_seconds));
}

std::shared_ptr<grpc::ServerCredentials> TlsIdentity::server_credentials() const {
  grpc::experimental::TlsServerCredentialsOptions options(provider_);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<Gate>());
  return credentials;
}

std::shared_ptr<grpc::Channel> TlsIdentity::channel(const std::string& address, std::string_view peer) const {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider_);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  grpc::ChannelArguments arguments = channel_arguments();
  // The name that the server's certificate must have, whatever address it is reached at.
  arguments.SetSslTargetNameOverride(role_host(peer));
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // http_proxy of the environment is for other things
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveEveryMs);
  set_keepalive(arguments);
  return grpc::CreateCustomChannel("dns:///" + address, grpc::experimental::TlsCredentials(options), arguments);
}

}  // namespace paastech::rpc
