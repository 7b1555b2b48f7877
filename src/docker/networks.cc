#include "docker/networks.h"

#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

namespace {

NetworkSummary summary_of(const bj::value& item) {
  NetworkSummary out;
  out.id = json::text(json::at(item, "Id"));
  out.name = json::text(json::at(item, "Name"));
  out.labels = json::text_map(json::at(item, "Labels"));
  for (const bj::value& config : json::items(json::at(item, "IPAM", "Config")))
    out.subnets.push_back(json::text(json::at(config, "Subnet")));
  return out;
}

}  // namespace

net::Task<Result<std::string>> create_network(ClientPtr client, NetworkSpec spec) {
  bj::object config;
  config["Subnet"] = spec.subnet;
  bj::array configs;
  configs.push_back(std::move(config));
  bj::object ipam;
  ipam["Driver"] = "default";
  ipam["Config"] = std::move(configs);
  bj::object body;
  body["Name"] = spec.name;
  body["CheckDuplicate"] = true;  // before API 1.44 two networks could share a name
  body["Driver"] = "bridge";
  body["EnableIPv6"] = false;
  body["IPAM"] = std::move(ipam);
  if (!spec.bridge.empty()) {
    bj::object options;
    options["com.docker.network.bridge.name"] = spec.bridge;
    body["Options"] = std::move(options);
  }
  body["Labels"] = json::from_map(spec.labels);
  std::string text = bj::serialize(body);
  Result<net::HttpResponse> response = co_await client->call("POST", "/networks/create", std::move(text));
  if (!response) {
    Error error = response.error();
    if (error.message.find("overlap") != std::string::npos) error.code = Code::kResourceExhausted;
    if (error.message.find("same bridge name") != std::string::npos) error.code = Code::kAborted;
    if (error.message.find("already exists") != std::string::npos) error.code = Code::kAlreadyExists;
    co_return std::unexpected(std::move(error));
  }
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response->body));
  co_return json::text(json::at(answer, "Id"));
}

net::Task<Result<NetworkSummary>> inspect_network(ClientPtr client, std::string name) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/networks/" + name));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  NetworkSummary summary = summary_of(answer);
  const bj::value& attached = json::at(answer, "Containers");
  if (attached.is_object())
    for (const auto& [id, endpoint] : attached.get_object()) summary.containers.emplace_back(id);
  co_return summary;
}

net::Task<Result<std::vector<NetworkSummary>>> list_networks(ClientPtr client, std::vector<std::string> labels) {
  Query query;
  if (!labels.empty()) query.emplace_back("filters", json::filters({{"label", labels}}));
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/networks" + query_string(query)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::vector<NetworkSummary> out;
  for (const bj::value& item : json::items(answer)) out.push_back(summary_of(item));
  co_return out;
}

net::Task<Status> remove_network(ClientPtr client, std::string name) {
  const Result<net::HttpResponse> response = co_await client->call("DELETE", "/networks/" + name);
  if (!response && response.error().code != Code::kNotFound) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace paastech::docker
