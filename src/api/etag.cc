#include "api/etag.h"

#include <fmt/format.h>

#include "base/text.h"

namespace paastech::api {
namespace {

struct Tag {
  bool weak = false;
  std::string text;  // with its quotes, or "*"
};

// What openapi.yaml's pattern has let through; tags of ours hold no comma.
std::vector<Tag> tags_in(const net::Headers& headers, std::string_view name) {
  std::vector<Tag> tags;
  for (const auto& [key, value] : headers.items()) {
    if (lower(key) != lower(name)) continue;
    for (const std::string& part : split(value, ',')) {
      std::string_view text = trim(part);
      const bool weak = text.starts_with("W/");
      if (weak) text.remove_prefix(2);
      tags.push_back({weak, std::string(text)});
    }
  }
  return tags;
}

}  // namespace

std::string etag(std::int64_t version, std::string_view form) {
  return form.empty() ? fmt::format("\"{}\"", version) : fmt::format("\"{}-{}\"", version, form);
}

Status check_if_match(const net::Headers& headers, std::int64_t version) {
  const std::vector<Tag> tags = tags_in(headers, "If-Match");
  if (tags.empty()) return {};
  const std::string plain = etag(version);
  const std::string with_form = plain.substr(0, plain.size() - 1) + "-";
  for (const Tag& tag : tags) {
    const bool same = tag.text == "*" || tag.text == plain || tag.text.starts_with(with_form);
    if (same && !tag.weak) return {};  // If-Match compares strongly
  }
  return fail(Code::kFailedPrecondition, "it has been changed since the version that If-Match names",
              "read it anew, and repeat the change with the ETag of that answer");
}

bool has_already(const net::Headers& headers, std::string_view tag) {
  for (const Tag& one : tags_in(headers, "If-None-Match"))
    if (one.text == "*" || one.text == tag) return true;
  return false;
}

net::HttpResponse not_modified(std::string_view tag) {
  net::HttpResponse response;
  response.status = 304;
  response.headers.add("ETag", std::string(tag));
  return response;
}

}  // namespace paastech::api
