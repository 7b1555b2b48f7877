#include "docker/volumes.h"

#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

net::Task<Status> create_volume(ClientPtr client, std::string name, std::map<std::string, std::string> labels) {
  bj::object body;
  body["Name"] = name;
  body["Driver"] = "local";
  body["Labels"] = json::from_map(labels);
  std::string text = bj::serialize(body);
  const Result<net::HttpResponse> response = co_await client->call("POST", "/volumes/create", std::move(text));
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

net::Task<Result<std::vector<VolumeSummary>>> list_volumes(ClientPtr client, std::vector<std::string> labels) {
  const Query query{{"filters", json::filters({{"label", labels}})}};
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/volumes" + query_string(query)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::vector<VolumeSummary> out;
  for (const bj::value& item : json::items(json::at(answer, "Volumes")))
    out.push_back({json::text(json::at(item, "Name")), json::text_map(json::at(item, "Labels"))});
  co_return out;
}

net::Task<Result<std::map<std::string, std::int64_t>>> volume_sizes(ClientPtr client) {
  // `type` came with API 1.42; an older Engine passes over it and measures everything.
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/system/df?type=volume"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::map<std::string, std::int64_t> out;
  for (const bj::value& item : json::items(json::at(answer, "Volumes"))) {
    const std::int64_t bytes = json::number(json::at(item, "UsageData", "Size"));
    if (bytes >= 0) out.emplace(json::text(json::at(item, "Name")), bytes);
  }
  co_return out;
}

net::Task<Status> remove_volume(ClientPtr client, std::string name) {
  const Result<net::HttpResponse> response = co_await client->call("DELETE", "/volumes/" + name);
  if (!response && response.error().code != Code::kNotFound) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace paastech::docker
