#include "pomegranate/registry_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/port.h"
#include "base/text.h"

namespace paastech::pomegranate {

namespace {

// Registries of one operator each, who alone decides where they redirect to: stores of its own. `*` is one label, a
// customer or a region whose registry the same operator runs. One label, for deeper names can be a customer's own
// network: vpce-1.dkr.ecr.eu-west-1.vpce.amazonaws.com leads to a private address of its choice.
constexpr std::string_view kWellKnown[] = {
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "ghcr.io",
    "quay.io",
    "gcr.io",
    "*.gcr.io",
    "*.pkg.dev",
    "registry.k8s.io",
    "registry.gitlab.com",
    "public.ecr.aws",
    "*.dkr.ecr.*.amazonaws.com",
    "mcr.microsoft.com",
    "*.azurecr.io",
    "registry.access.redhat.com",
    "registry.redhat.io",
    "cgr.dev",
    "docker.elastic.co",
    "lscr.io",
    "codeberg.org",
};
constexpr std::string_view kHostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-";

// Label by label.
bool fits_pattern(std::string_view host, std::string_view pattern) {
  const std::vector<std::string> labels = split(host, '.');
  const std::vector<std::string> wanted = split(pattern, '.');
  return std::ranges::equal(labels, wanted, [](const std::string& label, const std::string& want) {
    return want == "*" ? !label.empty() : label == want;
  });
}

// The host of a registry at the port of HTTPS, else empty.
std::string_view https_host(std::string_view registry) {
  const std::size_t colon = std::min(registry.find(':'), registry.size());
  const std::string_view host = registry.substr(0, colon);
  const bool plain = colon == registry.size() || registry.substr(colon) == ":443";
  return plain && host.find_first_not_of(kHostCharacters) == std::string_view::npos ? host : std::string_view{};
}

bool is_list_entry(std::string_view entry) {
  if (entry == "*") return true;
  const bool below = entry.starts_with("*.");
  if (below) entry.remove_prefix(2);
  const std::size_t colon = std::min(entry.find(':'), entry.size());
  const std::string_view host = entry.substr(0, colon);
  if (colon < entry.size() && (below || port_number(entry.substr(colon + 1)).value_or(0) == 0)) return false;
  if (below && !is_named_host(host)) return false;
  const std::vector<std::string> labels = split(host, '.');
  return host.find_first_not_of(kHostCharacters) == std::string_view::npos &&
         std::ranges::none_of(labels, [](const std::string& label) {
           return label.empty() || label.starts_with('-') || label.ends_with('-');
         });
}

}  // namespace

Result<Registries> parse_registries(std::string_view text) {
  Registries all;
  for (const std::string& part : split(text, ',')) {
    std::string entry = lower(trim(part));
    if (entry.empty()) continue;
    if (!is_list_entry(entry))
      return fail(Code::kInvalidArgument, "`" + sanitize_terminal(entry) + "` is not a registry",
                  "write HOST, HOST:PORT, *.HOST for all names below it, or * for every registry at public addresses; "
                  "with commas between");
    all.push_back(std::move(entry));
  }
  return all;
}

bool is_named_host(std::string_view host) {
  // The last label of a host's name in the DNS begins with a letter.
  const std::string_view last = host.substr(host.rfind('.') == std::string_view::npos ? 0 : host.rfind('.') + 1);
  const char first = last.empty() ? '0' : last.front();
  return last != "localhost" && ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_');
}

bool is_trusted_registry(std::string_view registry, const Registries& listed) {
  if (registry.empty() || std::ranges::find(listed, registry) != listed.end()) return true;
  const std::string_view host = https_host(registry);
  if (host.empty()) return false;
  return std::ranges::any_of(kWellKnown, [host](std::string_view known) { return fits_pattern(host, known); }) ||
         std::ranges::any_of(listed, [host](std::string_view entry) {
           return entry.starts_with("*.") && is_named_host(host) && host.size() >= entry.size() &&
                  host.ends_with(entry.substr(1));
         });
}

Status check_registry_listed(std::string_view registry, const Registries& listed) {
  if (is_trusted_registry(registry, listed) || std::ranges::find(listed, "*") != listed.end()) return {};
  return fail(Code::kInvalidArgument,
              fmt::format("the registry {} is not among those that this Service fetches from", registry),
              fmt::format("take the image from docker.io, ghcr.io, quay.io or another well-known one, or ask the "
                          "administrator to list {} in engine.registries",
                          registry));
}

}  // namespace paastech::pomegranate
