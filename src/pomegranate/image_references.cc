#include "pomegranate/image_references.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "build/dockerfile_text.h"
#include "net/resolve.h"

namespace paastech::pomegranate {

namespace {

using build::Instruction;

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
constexpr std::string_view kReferenceCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
constexpr std::size_t kMaxReference = 512;  // a name has up to 255 characters (distribution/reference), a tag 128
constexpr const char* kDoubtful = "$";      // a value that is not followed here; an image must not be named by it

bool consists_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

// The values of the ARGs before the first FROM; those behind it are not seen by FROM.
class Arguments {
 public:
  void add(std::string_view text) {
    for (const std::string_view word : build::words_of(text)) {
      const std::size_t equals = std::min(word.find('='), word.size());
      const std::string name(word.substr(0, equals));
      std::string value(word.substr(std::min(equals + 1, word.size())));
      // A quoted space would shift the words, an escape can mean either: neither belongs to the name of an image.
      certain_ = certain_ && closed(word) && word.find_first_of("\\`") == std::string_view::npos &&
                 consists_of(name, kNameCharacters);
      const bool again = values_.contains(name);
      values_[name] = again ? kDoubtful : expand(build::unquoted(value)).value_or(kDoubtful);
    }
  }
  // $NAME and ${NAME}; nullopt for every other form, and where the value is doubtful.
  std::optional<std::string> expand(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      const std::size_t dollar = std::min(text.find('$'), text.size());
      out += text.substr(0, dollar);
      text.remove_prefix(dollar);
      if (text.empty()) break;
      const bool braces = text.starts_with("${");
      text.remove_prefix(braces ? 2 : 1);
      const std::size_t end = std::min(text.find_first_not_of(kNameCharacters), text.size());
      const std::string name(text.substr(0, end));
      if (!certain_ || name.empty() || !consists_of(name.substr(0, 1), kLetters)) return std::nullopt;
      text.remove_prefix(end);
      if (braces && !text.starts_with('}')) return std::nullopt;
      if (braces) text.remove_prefix(1);
      const auto found = values_.find(name);
      if (found != values_.end()) out += found->second;
    }
    if (out.find('$') != std::string::npos) return std::nullopt;
    return out;
  }

 private:
  static bool closed(std::string_view word) {
    char quote = 0;
    for (const char c : word) {
      if (quote == 0 && (c == '"' || c == '\''))
        quote = c;
      else if (c == quote)
        quote = 0;
    }
    return quote == 0;
  }
  std::map<std::string, std::string> values_ = {};
  bool certain_ = true;
};

std::string without_hub(std::string_view reference) {
  for (const std::string_view host : {"docker.io/", "index.docker.io/"}) {
    if (!reference.starts_with(host)) continue;
    reference.remove_prefix(host.size());
    break;
  }
  if (reference.starts_with("library/")) reference.remove_prefix(8);
  return std::string(reference);
}

constexpr const char* kUseHostName =
    "use the registry's host name, or ask the administrator to list the address in engine.registries";
constexpr const char* kOtherBase = "build on a public image, or on another stage";

Status refuse(int line, std::string what, std::string hint = kOtherBase) {
  return build::refuse_line(line, what, std::move(hint));
}

// project: empty where no project's image will do.
Status check_reference(const std::string& written, std::string_view project, const Registries& registries) {
  const auto no = [](std::string what, std::string hint = kOtherBase) {
    return fail(Code::kInvalidArgument, std::move(what), std::move(hint));
  };
  const std::string reference = lower(written);
  const std::string asked = without_hub(written);
  // An Engine may take a first part with capitals for a host (distribution/reference 0.5), where we see a name of the
  // Hub.
  const std::string first = asked.substr(0, asked.find('/'));
  if (first.size() < asked.size() && first != lower(first))
    return no("'" + sanitize_terminal(written) + "' begins with capitals",
              "write the registry's name in small letters");
  if (reference.empty() || reference.starts_with('/') || reference.find("..") != std::string::npos ||
      !consists_of(reference, kReferenceCharacters))
    return no("'" + sanitize_terminal(written) + "' is not the name of an image");
  // By its id, or the first digits of one, it could be anyone's.
  if (reference.starts_with("sha256:") || consists_of(reference, "0123456789abcdef"))
    return no("the image " + written + " is named by an id", "name it with its tag, as in " + written + ":latest");
  const std::string hub = lower(asked);
  if (hub.starts_with("paastech/") && (project.empty() || !hub.starts_with("paastech/" + std::string(project) + ":")))
    return no("the image " + written + " is not this project's");
  const std::string registry = registry_of(hub);
  // The Engine, asked without docker.io/ or library/, would take what follows for a registry.
  if (!registry.empty() && hub != reference)
    return no("'" + sanitize_terminal(written) + "' is not the name of an image");
  const std::string host = registry.substr(0, registry.find(':'));
  if (!registry.empty() && !is_named_host(host) && std::ranges::find(registries, registry) == registries.end())
    return no("the registry of " + written + " is named by an address", kUseHostName);
  return {};
}

class References {
 public:
  References(std::string_view project, const Registries& registries) : project_(project), registries_(registries) {}

  Status take(const Instruction& one) {
    if (one.name == "ARG" && !seen_from_ && !one.on_build) arguments_.add(one.rest);
    if (one.name == "FROM") return take_from(one);
    if (one.name == "COPY" || one.name == "ADD") return take_copy(one);
    return {};
  }
  std::vector<BaseImage> images = {};

 private:
  Status check(int line, const std::string& name) const {
    const Status fine = check_reference(name, project_, registries_);
    return fine ? fine : refuse(line, fine.error().message, fine.error().hint);
  }

  Status take_from(const Instruction& from) {
    seen_from_ = true;
    std::vector<std::string_view> words = build::words_of(from.rest);
    BaseImage image;
    image.line = from.line;
    for (; !words.empty() && words[0].starts_with("--"); words.erase(words.begin())) {
      constexpr std::string_view kPlatform = "--platform=";
      const std::string_view value = words[0].starts_with(kPlatform) ? words[0].substr(kPlatform.size()) : "";
      if (std::ranges::count(value, '/') != 1 || value.starts_with('/') || value.ends_with('/') ||
          !consists_of(value, "abcdefghijklmnopqrstuvwxyz0123456789_/"))
        return refuse(from.line, "FROM has the flag " + sanitize_terminal(words[0]),
                      "remove it; only --platform=OS/ARCHITECTURE, such as linux/amd64, is understood");
      image.platform = std::string(value);
    }
    if (words.empty()) return refuse(from.line, "FROM names no image");
    const std::optional<std::string> name = arguments_.expand(build::unquoted(words[0]));
    if (!name)
      return refuse(
          from.line,
          "the image name " + sanitize_terminal(words[0]) + " uses a variable in a way that is not allowed there",
          "use $NAME or ${NAME}, set once before the first FROM by ARG NAME=value");
    const bool stage = stages_.contains(lower(*name));
    if (words.size() >= 3 && lower(words[1]) == "as") stages_.insert(lower(words[2]));
    if (stage || *name == "scratch") return {};
    TRY(check(from.line, *name));
    image.reference = *name;
    images.push_back(std::move(image));
    return {};
  }

  Status take_copy(const Instruction& copy) {
    constexpr std::string_view kFrom = "--from=";
    for (const std::string_view word : build::words_of(copy.rest)) {
      if (!word.starts_with("--")) break;
      if (!lower(word).starts_with(kFrom)) continue;
      const std::string name(word.substr(kFrom.size()));
      // In a trigger, which runs in other files, no stage is certain.
      const bool number = !name.empty() && consists_of(name, "0123456789");
      if (!copy.on_build && (number || stages_.contains(lower(name)))) continue;
      TRY(check(copy.line, name));
      // The builder would fetch it by itself, from what another Client's password may have brought here.
      if (copy.on_build && name.find('@') != std::string::npos)
        return refuse(copy.line, "--from names " + name + " by its digest in ONBUILD", "name it by its tag");
      if (copy.on_build && !is_surely_image(name)) continue;
      images.push_back({.reference = name, .line = copy.line, .copied_from = true});
    }
    return {};
  }

  std::string_view project_;
  const Registries& registries_;
  Arguments arguments_ = {};
  std::set<std::string> stages_ = {};
  bool seen_from_ = false;
};

}  // namespace

Result<std::vector<BaseImage>> check_image_references(std::string_view dockerfile, std::string_view project,
                                                      const Registries& registries) {
  TRY_ASSIGN(const std::vector<Instruction> all, build::read_instructions(dockerfile));
  References references(project, registries);
  for (const Instruction& one : all) TRY(references.take(one));
  return std::move(references.images);
}

Status check_foreign_image(std::string_view reference, const Registries& registries) {
  if (reference.size() > kMaxReference)
    return fail(Code::kInvalidArgument, "the name of the image is too long", "give its registry's name for it");
  if (const Status fine = check_reference(std::string(reference), {}, registries); !fine) {
    const std::string hint = fine.error().hint == kOtherBase ? "name it as `docker pull` would" : fine.error().hint;
    return fail(fine.error().code, fine.error().message, hint);
  }
  const std::size_t at = reference.find('@');
  const std::string_view digest = at == std::string_view::npos ? std::string_view{} : reference.substr(at + 1);
  const bool whole =
      digest.starts_with("sha256:") && digest.size() == 7 + 64 && consists_of(digest.substr(7), "0123456789abcdef");
  if (at != std::string_view::npos && !whole)
    return fail(Code::kInvalidArgument, "the digest of " + std::string(reference) + " is not sha256: and 64 digits",
                "copy it whole, or name a tag");
  return {};
}

// The builder takes letters, digits, hyphens, dots and underscores for a stage's name.
bool is_surely_image(std::string_view name) { return name.find_first_of("/:@") != std::string_view::npos; }

net::Task<Status> check_registry_source(std::string reference, Registries registries) {
  const std::string registry = registry_of(pull_name(lower(reference)).name);  // as the Engine is asked for it
  if (is_trusted_registry(registry, registries)) co_return Status{};
  CO_TRY(check_registry_listed(registry, registries));
  const std::string host = registry.substr(0, registry.find(':'));
  const auto addresses = co_await net::resolve(host, 443);
  if (!addresses)
    co_return fail(Code::kFailedPrecondition,
                   fmt::format("its registry cannot be reached: the name {} leads nowhere", host),
                   "check the name, and try again later");
  for (const Address& address : *addresses)
    if (!is_public(address))
      co_return fail(Code::kInvalidArgument,
                     fmt::format("the registry {} is at {}, an address of this Service's own network", host,
                                 address_text(address)),
                     fmt::format("ask the administrator to list {} in engine.registries", registry));
  co_return Status{};
}

PullName pull_name(std::string_view reference) {
  const std::string plain = without_hub(reference);
  const std::size_t at = plain.find('@');
  const std::string named = plain.substr(0, at);
  const std::size_t slash = named.rfind('/');
  const std::size_t colon = named.find(':', slash == std::string::npos ? 0 : slash);
  const std::string name = named.substr(0, colon);
  if (at != std::string::npos) return {name, plain.substr(at + 1)};
  return {name, colon == std::string::npos ? "latest" : named.substr(colon + 1)};
}

}  // namespace paastech::pomegranate
