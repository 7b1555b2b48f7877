#include "docker/containers.h"

#include <chrono>

#include "base/rfc3339.h"
#include "docker/json.h"

namespace paastech::docker {

namespace {

namespace bj = json::bj;

std::string without_slash(std::string name) { return name.starts_with("/") ? name.substr(1) : name; }

bj::object host_config(const ContainerSpec& spec) {
  bj::object host;
  host["NetworkMode"] = spec.network;
  host["Memory"] = spec.memory_bytes;
  host["MemorySwap"] = spec.memory_bytes;
  host["NanoCpus"] = spec.nano_cpus;
  host["PidsLimit"] = spec.processes;
  host["Init"] = true;
  host["Privileged"] = false;
  host["PublishAllPorts"] = false;
  host["CapDrop"] = bj::array{"ALL"};
  host["CapAdd"] = json::from_list(spec.capabilities);
  host["SecurityOpt"] = bj::array{"no-new-privileges"};
  bj::object files;
  files["Name"] = "nofile";
  files["Soft"] = spec.open_files;
  files["Hard"] = spec.open_files;
  bj::array ulimits;
  ulimits.push_back(std::move(files));
  host["Ulimits"] = std::move(ulimits);
  bj::object log_options;
  log_options["max-size"] = std::to_string(spec.log_megabytes) + "m";
  log_options["max-file"] = std::to_string(spec.log_files);
  // Docker 20.10 leaves compressed files out that hold lines after `since`.
  log_options["compress"] = "false";
  bj::object log;
  log["Type"] = "local";
  log["Config"] = std::move(log_options);
  host["LogConfig"] = std::move(log);
  bj::object restart;
  restart["Name"] = "no";
  host["RestartPolicy"] = std::move(restart);
  if (!spec.runtime.empty()) host["Runtime"] = spec.runtime;
  return host;
}

}  // namespace

std::int64_t parse_time_ns(std::string_view text) { return parse_rfc3339_ns(text).value_or(0); }

net::Task<Result<std::string>> create_container(ClientPtr client, ContainerSpec spec) {
  bj::object body;
  body["Image"] = spec.image;
  body["Hostname"] = spec.hostname;
  if (!spec.command.empty()) body["Cmd"] = json::from_list(spec.command);
  body["Env"] = json::from_list(spec.environment);
  body["Labels"] = json::from_map(spec.labels);
  if (!spec.stop_signal.empty()) body["StopSignal"] = spec.stop_signal;
  if (spec.stop_seconds > 0) body["StopTimeout"] = spec.stop_seconds;
  body["HostConfig"] = host_config(spec);
  const Query query{{"name", spec.name}};
  std::string text = bj::serialize(body);
  CO_TRY_ASSIGN(const net::HttpResponse response,
                co_await client->call("POST", "/containers/create" + query_string(query), std::move(text)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  co_return json::text(json::at(answer, "Id"));
}

net::Task<Status> start_container(ClientPtr client, std::string id) {
  const Result<net::HttpResponse> response = co_await client->call("POST", "/containers/" + id + "/start");
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

net::Task<Status> stop_container(ClientPtr client, std::string id, int grace_seconds) {
  const Query query{{"t", std::to_string(grace_seconds)}};
  const Result<net::HttpResponse> response =
      co_await client->call("POST", "/containers/" + id + "/stop" + query_string(query), std::string(),
                            std::chrono::seconds(grace_seconds + 30));
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

net::Task<Status> remove_container(ClientPtr client, std::string id) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const Result<net::HttpResponse> response = co_await client->call("DELETE", "/containers/" + id + "?v=1&force=1");
    if (response || response.error().code == Code::kNotFound) co_return Status{};
    if (response.error().code != Code::kAborted) co_return std::unexpected(response.error());
    const Status slept = co_await net::sleep_for(std::chrono::milliseconds(100));
    if (!slept) co_return slept;
  }
  co_return fail(Code::kAborted, "the removal of container " + id + ", under way already, does not end");
}

net::Task<Result<ContainerDetails>> inspect_container(ClientPtr client, std::string id) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/containers/" + id + "/json"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  ContainerDetails details;
  details.id = json::text(json::at(answer, "Id"));
  details.name = without_slash(json::text(json::at(answer, "Name")));
  details.image = json::text(json::at(answer, "Config", "Image"));
  details.image_id = json::text(json::at(answer, "Image"));
  const std::int64_t stop_seconds = json::number(json::at(answer, "Config", "StopTimeout"));
  if (stop_seconds > 0) details.stop_seconds = static_cast<int>(stop_seconds);
  const bj::value& state = json::at(answer, "State");
  details.state = json::text(json::at(state, "Status"));
  details.exit_code = static_cast<int>(json::number(json::at(state, "ExitCode")));
  details.out_of_memory = json::truth(json::at(state, "OOMKilled"));
  details.error = json::text(json::at(state, "Error"));
  details.started_at_ms = parse_time_ns(json::text(json::at(state, "StartedAt"))) / 1'000'000;
  details.restarts = static_cast<int>(json::number(json::at(answer, "RestartCount")));
  details.restart_policy = json::text(json::at(answer, "HostConfig", "RestartPolicy", "Name"));
  details.extra_hosts = json::texts(json::at(answer, "HostConfig", "ExtraHosts"));
  details.labels = json::text_map(json::at(answer, "Config", "Labels"));
  if (const bj::object* networks = json::at(answer, "NetworkSettings", "Networks").if_object())
    for (const auto& [name, network] : *networks)
      details.addresses[std::string(name.data(), name.size())] = json::text(json::at(network, "IPAddress"));
  co_return details;
}

namespace {

std::vector<std::string> volumes_of(const bj::value& container) {
  std::vector<std::string> names;
  for (const bj::value& mount : json::items(json::at(container, "Mounts")))
    if (json::text(json::at(mount, "Type")) == "volume") names.push_back(json::text(json::at(mount, "Name")));
  return names;
}

}  // namespace

net::Task<Result<std::vector<ContainerSummary>>> list_containers(ClientPtr client, std::vector<std::string> labels,
                                                                 bool sizes) {
  Query query{{"all", "1"}};
  if (sizes) query.emplace_back("size", "1");
  if (!labels.empty()) query.emplace_back("filters", json::filters({{"label", labels}}));
  CO_TRY_ASSIGN(const net::HttpResponse response,
                co_await client->call("GET", "/containers/json" + query_string(query)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  std::vector<ContainerSummary> out;
  for (const bj::value& item : json::items(answer)) {
    ContainerSummary& summary = out.emplace_back();
    summary.id = json::text(json::at(item, "Id"));
    const auto names = json::texts(json::at(item, "Names"));
    summary.name = names.empty() ? std::string() : without_slash(names.front());
    summary.state = json::text(json::at(item, "State"));
    summary.network = json::text(json::at(item, "HostConfig", "NetworkMode"));
    summary.image = json::text(json::at(item, "ImageID"));
    summary.labels = json::text_map(json::at(item, "Labels"));
    summary.volumes = volumes_of(item);
    summary.written_bytes = json::number(json::at(item, "SizeRw"));
  }
  co_return out;
}

net::Task<Result<Written>> written(ClientPtr client, std::string id) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/containers/" + id + "/json?size=1"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  Written out;
  out.bytes = json::number(json::at(answer, "SizeRw"));
  out.volumes = volumes_of(answer);
  co_return out;
}

namespace {

net::Task<Status> update(ClientPtr client, std::string id, bj::object body) {
  std::string text = bj::serialize(body);
  const Result<net::HttpResponse> response =
      co_await client->call("POST", "/containers/" + id + "/update", std::move(text));
  if (!response) co_return std::unexpected(response.error());
  co_return Status{};
}

}  // namespace

net::Task<Status> set_restart_policy(ClientPtr client, std::string id, std::string policy) {
  bj::object restart;
  restart["Name"] = policy;
  bj::object body;
  body["RestartPolicy"] = std::move(restart);
  Status updated = co_await update(client, std::move(id), std::move(body));
  co_return updated;
}

net::Task<Status> limit_processes(ClientPtr client, std::string id, std::int64_t processes) {
  bj::object body;
  body["PidsLimit"] = processes;
  Status updated = co_await update(client, std::move(id), std::move(body));
  co_return updated;
}

net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_wait(ClientPtr client, std::string id) {
  auto exchange = co_await client->open("POST", "/containers/" + id + "/wait?condition=not-running");
  co_return exchange;
}

net::Task<Result<int>> read_wait(ClientPtr client, net::HttpExchange* exchange) {
  CO_TRY(co_await client->check_head(exchange, std::chrono::milliseconds(0)));
  std::string body;
  while (true) {
    CO_TRY_ASSIGN(const std::string piece, co_await exchange->read());
    if (piece.empty()) break;
    body += piece;
  }
  CO_TRY_ASSIGN(const bj::value answer, json::parse(body));
  co_return static_cast<int>(json::number(json::at(answer, "StatusCode")));
}

net::Task<Result<ContainerStats>> container_stats(ClientPtr client, std::string id) {
  CO_TRY_ASSIGN(const net::HttpResponse response,
                co_await client->call("GET", "/containers/" + id + "/stats?stream=false&one-shot=true"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  ContainerStats stats;
  stats.at_ns = parse_time_ns(json::text(json::at(answer, "read")));
  stats.cpu_ns = json::number(json::at(answer, "cpu_stats", "cpu_usage", "total_usage"));
  const bj::value& memory = json::at(answer, "memory_stats");
  // What `docker stats` subtracts: inactive_file under cgroup v2, total_inactive_file under v1.
  std::int64_t cache = json::number(json::at(memory, "stats", "inactive_file"));
  if (json::find(json::at(memory, "stats"), "total_inactive_file"))
    cache = json::number(json::at(memory, "stats", "total_inactive_file"));
  stats.memory_bytes = std::max<std::int64_t>(json::number(json::at(memory, "usage")) - cache, 0);
  stats.memory_limit_bytes = json::number(json::at(memory, "limit"));
  stats.processes = static_cast<int>(json::number(json::at(answer, "pids_stats", "current")));
  if (const bj::object* networks = json::at(answer, "networks").if_object()) {
    for (const auto& network : *networks) {
      stats.received_bytes += json::number(json::at(network.value(), "rx_bytes"));
      stats.sent_bytes += json::number(json::at(network.value(), "tx_bytes"));
    }
  }
  co_return stats;
}

}  // namespace paastech::docker
