#include "docker/images.h"

#include <algorithm>

#include "base/ids.h"
#include "docker/containers.h"
#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

net::Task<Result<ImageDetails>> inspect_image(ClientPtr client, std::string reference) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/images/" + reference + "/json"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  ImageDetails details;
  details.id = json::text(json::at(answer, "Id"));
  details.names = json::texts(json::at(answer, "RepoTags"));
  for (std::string& digest : json::texts(json::at(answer, "RepoDigests"))) details.names.push_back(std::move(digest));
  details.labels = json::text_map(json::at(answer, "Config", "Labels"));
  const auto keys = [](const bj::value& value) {
    std::vector<std::string> out;
    if (const bj::object* object = value.if_object())
      for (const auto& item : *object) out.emplace_back(item.key().data(), item.key().size());
    return out;
  };
  const bj::value& config = json::at(answer, "Config");
  details.exposed = keys(json::at(config, "ExposedPorts"));
  details.volumes = keys(json::at(config, "Volumes"));
  details.on_build = json::texts(json::at(config, "OnBuild"));
  details.platform = json::text(json::at(answer, "Os")) + "/" + json::text(json::at(answer, "Architecture"));
  const std::string variant = json::text(json::at(answer, "Variant"));
  if (!variant.empty()) details.platform += "/" + variant;
  details.created_at_ms = parse_time_ns(json::text(json::at(answer, "Created"))) / 1'000'000;
  details.size_bytes = json::number(json::at(answer, "Size"));
  for (const auto& [label, value] : details.labels) details.text_bytes += label.size() + value.size();
  for (const char* list : {"Env", "Cmd", "Entrypoint"})
    for (const std::string& text : json::texts(json::at(config, list))) details.text_bytes += text.size();
  details.has_command = !json::items(json::at(answer, "Config", "Cmd")).empty() ||
                        !json::items(json::at(answer, "Config", "Entrypoint")).empty();
  co_return details;
}

net::Task<Result<std::vector<ImageSummary>>> list_images(ClientPtr client, std::string pattern) {
  const Query query{{"filters", json::filters({{"reference", {pattern}}})}};
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/images/json" + query_string(query)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::vector<ImageSummary> out;
  for (const bj::value& item : json::items(answer)) {
    for (const std::string& tag : json::texts(json::at(item, "RepoTags"))) {
      if (tag == "<none>:<none>") continue;
      out.push_back({tag, json::text(json::at(item, "Id")), json::number(json::at(item, "Created")) * 1000,
                     json::number(json::at(item, "Size"))});
    }
  }
  co_return out;
}

net::Task<Result<std::vector<ImageNode>>> list_all_images(ClientPtr client) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/images/json?all=1"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::vector<ImageNode> out;
  for (const bj::value& item : json::items(answer)) {
    ImageNode& node = out.emplace_back();
    node.id = json::text(json::at(item, "Id"));
    node.parent = json::text(json::at(item, "ParentId"));
    for (const char* list : {"RepoTags", "RepoDigests"})
      for (std::string& name : json::texts(json::at(item, list)))
        if (!name.starts_with("<none>")) node.names.push_back(std::move(name));
    node.created_at_ms = json::number(json::at(item, "Created")) * 1000;
    node.size_bytes = json::number(json::at(item, "Size"));
  }
  co_return out;
}

std::string registry_authority(const std::string& username, const std::string& password, const std::string& host) {
  if (username.empty()) return {};
  bj::object who;
  who["username"] = username;
  who["password"] = password;
  who["serveraddress"] = host;
  std::string text = base64(bj::serialize(who));
  std::ranges::replace(text, '+', '-');  // the alphabet for URLs (RFC 4648 section 5), padded
  std::ranges::replace(text, '/', '_');
  return text;
}

namespace {

net::Headers with_authority(const std::string& authority) {
  net::Headers headers;
  if (!authority.empty()) headers.add("X-Registry-Auth", authority);
  return headers;
}

}  // namespace

net::Task<Result<std::string>> registry_digest(ClientPtr client, std::string reference, std::string authority) {
  net::Headers headers = with_authority(authority);
  CO_TRY_ASSIGN(const net::HttpResponse response,
                co_await client->call("GET", "/distribution/" + reference + "/json", std::string(),
                                      std::chrono::seconds(60), std::move(headers)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  co_return json::text(json::at(answer, "Descriptor", "digest"));
}

net::Task<Status> tag_image(ClientPtr client, std::string id, std::string name, std::string tag) {
  const Query query{{"repo", std::move(name)}, {"tag", std::move(tag)}};
  const auto response = co_await client->call("POST", "/images/" + id + "/tag" + query_string(query));
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_pull(ClientPtr client, std::string name, std::string tag,
                                                                std::string platform, std::string authority) {
  Query query{{"fromImage", std::move(name)}, {"tag", std::move(tag)}};
  if (!platform.empty()) query.emplace_back("platform", std::move(platform));
  net::Headers headers = with_authority(authority);
  auto exchange = co_await client->open("POST", "/images/create" + query_string(query), false, std::move(headers));
  co_return exchange;
}

net::Task<Status> remove_image(ClientPtr client, std::string reference) {
  const Result<net::HttpResponse> response = co_await client->call("DELETE", "/images/" + reference);
  if (!response && response.error().code != Code::kNotFound) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace paastech::docker
