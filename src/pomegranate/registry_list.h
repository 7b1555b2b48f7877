#pragma once
// From which registries images are fetched (threat 20): from well-known ones, and from those that engine.registries
// lists. The Engine asks from inside of the Service's network and follows what a registry answers, a redirect or a
// realm for tokens, so a stranger's could send it anywhere there. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace paastech::pomegranate {

// In small letters: "registry.lan" and "127.0.0.1:5000" as in a reference, "*.example.org" for all names below it, "*"
// for every registry that is at public addresses.
using Registries = std::vector<std::string>;

// With commas between. kInvalidArgument: what is none of these forms.
Result<Registries> parse_registries(std::string_view text);
// No address, in whatever notation, nor this machine.
bool is_named_host(std::string_view host);
// Well known or listed, so that its addresses need no look. registry: in small letters; empty for Docker Hub.
bool is_trusted_registry(std::string_view registry, const Registries& listed);
// kInvalidArgument: it is not trusted, and the list does not take every one.
Status check_registry_listed(std::string_view registry, const Registries& listed);

}  // namespace paastech::pomegranate
