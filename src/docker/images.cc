#include "docker/images.h"

#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

net::Task<Result<ImageDetails>> inspect_image(ClientPtr client, std::string reference) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/images/" + reference + "/json"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  ImageDetails details;
  details.id = json::text(json::at(answer, "Id"));
  details.tags = json::texts(json::at(answer, "RepoTags"));
  details.labels = json::text_map(json::at(answer, "Config", "Labels"));
  if (const bj::object* ports = json::at(answer, "Config", "ExposedPorts").if_object())
    for (const auto& port : *ports) details.exposed.emplace_back(port.key().data(), port.key().size());
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

net::Task<Status> remove_image(ClientPtr client, std::string reference) {
  const Result<net::HttpResponse> response = co_await client->call("DELETE", "/images/" + reference);
  if (!response && response.error().code != Code::kNotFound) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace paastech::docker
