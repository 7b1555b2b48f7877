#include "paastechd/links.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/clock.h"
#include "paastechd/home.h"
#include "rpc/authority.h"

namespace paastech {
namespace {

constexpr std::int64_t kWarnDays = 14;  // api renews its own at 30: at 14 nobody does

std::filesystem::path authority_folder(const Config& config) { return config.home / "authority"; }

const std::string& address_of(const Config& config, DaemonRole role) {
  switch (role) {
    case DaemonRole::kApi: return config.role_api;
    case DaemonRole::kPomegranate: return config.role_pomegranate;
    case DaemonRole::kGit: return config.role_git;
    case DaemonRole::kRouter: break;
  }
  return config.role_router;
}

std::set<DaemonRole> peers_of(DaemonRole role) {
  switch (role) {
    case DaemonRole::kApi: return {DaemonRole::kPomegranate, DaemonRole::kGit, DaemonRole::kRouter};
    case DaemonRole::kGit: return {DaemonRole::kApi};
    case DaemonRole::kPomegranate:
    case DaemonRole::kRouter: break;
  }
  return {};
}

bool has_tcp(const Config& config, DaemonRole role) {
  if (!address_of(config, role).empty()) return true;
  for (const DaemonRole peer : peers_of(role))
    if (!address_of(config, peer).empty()) return true;
  return false;
}

// The port is that of the address by which the others reach the role.
std::string listen_address(const Config& config, const std::string& reached_at) {
  const std::string& given = config.roles_listen_address;
  const std::string host = given.find(':') != std::string::npos ? "[" + given + "]" : given;
  return host + reached_at.substr(reached_at.rfind(':'));
}

}  // namespace

std::string role_name(DaemonRole role) {
  switch (role) {
    case DaemonRole::kApi: return "api";
    case DaemonRole::kPomegranate: return "pomegranate";
    case DaemonRole::kGit: return "git";
    case DaemonRole::kRouter: return "router";
  }
  return "";
}

std::filesystem::path Links::certificates() const {
  return config_.roles_certificates.empty() ? authority_folder(config_)
                                            : std::filesystem::path(config_.roles_certificates);
}

std::filesystem::path Links::socket(DaemonRole role) const {
  return config_.run_folder() / (role_name(role) + ".sock");
}

Result<Links> Links::open(const Config& config, const std::set<DaemonRole>& roles) {
  Links links(config, roles);
  const std::int64_t now = SystemClock().now_ms();
  TRY(links.look_after(now));
  if (roles.size() > 1 &&
      std::ranges::any_of(roles, [&](DaemonRole role) { return !address_of(config, role).empty(); }))
    spdlog::warn("the addresses in [roles] are not used: this process holds every role");
  if (roles.size() != 1 || !has_tcp(config, *roles.begin())) return links;
  const DaemonRole role = *roles.begin();
  TRY_ASSIGN(rpc::TlsIdentity identity, rpc::TlsIdentity::load(links.certificates(), role_name(role), now));
  links.identity_.emplace(std::move(identity));
  return links;
}

Result<std::unique_ptr<rpc::Host>> Links::host(const std::vector<grpc::Service*>& services) const {
  if (roles_.size() != 1) return rpc::Host::start(services, "");
  const DaemonRole role = *roles_.begin();
  const std::string& reached_at = address_of(config_, role);
  if (reached_at.empty()) return rpc::Host::start(services, socket(role));
  const rpc::Tcp tcp{listen_address(config_, reached_at), &*identity_};
  auto host = rpc::Host::start(services, socket(role), tcp);
  if (host) spdlog::info("{}: grpc with mutual TLS on {}", role_name(role), tcp.address);
  return host;
}

std::shared_ptr<grpc::Channel> Links::channel_to(DaemonRole role) const {
  const std::string& address = address_of(config_, role);
  return address.empty() ? rpc::unix_channel(socket(role)) : identity_->channel(address, role_name(role));
}

Status Links::look_after(std::int64_t now_ms) const {
  if (roles_.contains(DaemonRole::kApi)) TRY(rpc::ensure_authority(authority_folder(config_), now_ms));
  if (roles_.size() != 1 || !has_tcp(config_, *roles_.begin())) return {};
  const std::string role = role_name(*roles_.begin());
  const rpc::RoleFiles files(certificates(), role);
  TRY_ASSIGN(const rpc::CertificateFacts facts, rpc::check_role_files(files, role, now_ms));
  if (facts.expires_ms < now_ms + kWarnDays * rpc::kDayMs)
    spdlog::warn("{} expires at {}: make a new one on api's host with `paastechd authority issue {} --out DIR`",
                 files.certificate.string(), rfc3339(facts.expires_ms), role);
  return {};
}

Status issue_certificates(const Config& config, const std::string& role, const std::filesystem::path& out) {
  TRY(prepare_home(config));
  TRY_ASSIGN(const std::int64_t expires,
             rpc::issue_bundle(authority_folder(config), role, out, SystemClock().now_ms()));
  const rpc::RoleFiles files(out, role);
  fmt::print(
      "{}\n{}\n{}\nThey are good until {}. Carry them to the host of {} by a safe way, the key with mode 600, and set\n"
      "roles.certificates to their folder there. Issue them again into the same folder before that day.\n",
      files.authority.string(), files.certificate.string(), files.key.string(), rfc3339(expires), role);
  return {};
}

}  // namespace paastech
