#include "rpc/authority.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/folders.h"
#include "rpc/allow.h"
#include "rpc/certificate.h"
#include "rpc/tls.h"

namespace paastech::rpc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNewAuthority =
    "move the folder away and start api: it makes a new authority; then issue every bundle anew";

Result<std::string> key_of(const fs::path& path) {
  if (!fs::exists(path)) {
    TRY_ASSIGN(const std::string made, make_key());
    TRY(write_file(path, made, 0600));
  }
  return read_private_key(path);
}

// Under the folder's lock. The key is stored first: one without a certificate is what a cut-off first start leaves.
Result<Signer> open_authority(const fs::path& folder, std::int64_t now_ms) {
  const fs::path key = folder / "ca.key";
  const fs::path certificate = folder / "ca.crt";
  if (!fs::exists(key) && fs::exists(certificate))
    return fail(Code::kFailedPrecondition,
                fmt::format("{} is missing, so no role's certificate can be made", key.string()),
                std::string("restore it from a backup, or ") + kNewAuthority);
  Signer authority;
  TRY_ASSIGN(authority.key, key_of(key));
  if (!fs::exists(certificate)) {
    TRY_ASSIGN(const std::string made, make_authority_certificate(authority.key, now_ms));
    TRY(write_file(certificate, made));
  }
  TRY_ASSIGN(authority.certificate, read_file(certificate));
  const auto facts = read_certificate(authority.certificate);
  Status fits = facts ? check_pair(authority.key, authority.certificate) : Status(std::unexpected(facts.error()));
  if (fits && !facts->authority) fits = fail(Code::kFailedPrecondition, "is not an authority's certificate");
  if (fits && facts->expires_ms <= now_ms) fits = fail(Code::kFailedPrecondition, "has expired");
  if (!fits)
    return fail(Code::kFailedPrecondition, fmt::format("{} {}", certificate.string(), fits.error().message),
                kNewAuthority);
  return authority;
}

bool is_due(const fs::path& certificate, const std::string& key, std::string_view role, const Signer& authority,
            std::int64_t now_ms) {
  const auto text = read_file(certificate);
  if (!text || !check_pair(key, *text) || !check_issuer(*text, authority.certificate)) return true;
  const auto facts = read_certificate(*text);
  return !facts || facts->role != role || facts->begins_ms > now_ms || facts->expires_ms < now_ms + kRenewDays * kDayMs;
}

Status ensure_role(const Signer& authority, std::string_view role, const fs::path& folder, std::int64_t now_ms,
                   bool anew) {
  const RoleFiles files(folder, role);
  TRY_ASSIGN(const std::string key, key_of(files.key));
  if (!anew && !is_due(files.certificate, key, role, authority, now_ms)) return {};
  TRY_ASSIGN(const std::string made, make_role_certificate(authority, key, role, now_ms));
  return write_file(files.certificate, made);
}

}  // namespace

Status ensure_authority(const fs::path& folder, std::int64_t now_ms) {
  TRY(make_private_folder(folder));
  TRY_ASSIGN([[maybe_unused]] const FolderLock lock, FolderLock::take(folder));
  TRY_ASSIGN(const Signer authority, open_authority(folder, now_ms));
  for (const std::string_view role : kRoles) TRY(ensure_role(authority, role, folder, now_ms, false));
  return {};
}

Result<std::int64_t> issue_bundle(const fs::path& authority_folder, std::string_view role, const fs::path& out,
                                  std::int64_t now_ms) {
  if (!is_role(role))
    return fail(Code::kInvalidArgument, fmt::format("`{}` is not a role", role),
                fmt::format("the roles are {}", fmt::join(kRoles, ", ")));
  TRY(make_private_folder(authority_folder));
  TRY_ASSIGN([[maybe_unused]] const FolderLock lock, FolderLock::take(authority_folder));
  TRY_ASSIGN(const Signer authority, open_authority(authority_folder, now_ms));
  TRY(make_private_folder(out));
  const RoleFiles files(out, role);
  TRY(write_file(files.authority, authority.certificate));
  TRY(ensure_role(authority, role, out, now_ms, true));
  TRY_ASSIGN(const std::string made, read_file(files.certificate));
  TRY_ASSIGN(const CertificateFacts facts, read_certificate(made));
  return facts.expires_ms;
}

}  // namespace paastech::rpc
