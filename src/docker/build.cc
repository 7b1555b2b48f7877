#include "docker/build.h"

#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_build(ClientPtr client, BuildOptions options) {
  constexpr std::int64_t kPeriodUs = 100'000;  // the kernel's default CFS period
  bj::object files;
  files["Name"] = "nofile";
  files["Soft"] = options.open_files;
  files["Hard"] = options.open_files;
  bj::array ulimits;
  ulimits.push_back(std::move(files));
  Query query{{"version", "1"},
              {"dockerfile", options.dockerfile},
              {"t", options.tag},
              {"rm", "1"},
              {"forcerm", "1"},
              {"memory", std::to_string(options.memory_bytes)},
              {"memswap", std::to_string(options.memory_bytes)},
              {"cpuperiod", std::to_string(kPeriodUs)},
              {"cpuquota", std::to_string(options.milli_cpus * kPeriodUs / 1000)},
              {"networkmode", options.network},
              {"ulimits", bj::serialize(ulimits)},
              {"cachefrom", bj::serialize(json::from_list(options.cache_from))}};
  if (!options.extra_host.empty()) query.emplace_back("extrahosts", options.extra_host);
  net::Headers headers;
  headers.add("Content-Type", "application/x-tar");
  auto exchange = co_await client->open("POST", "/build" + query_string(query), true, std::move(headers));
  co_return exchange;
}

Result<BuildMessage> parse_build_message(std::string_view line) {
  TRY_ASSIGN(const bj::value value, json::parse(line));
  BuildMessage message;
  message.stream = json::text(json::at(value, "stream"));
  // A pull's progress bars come dozens a second and are no lines of a log.
  if (!json::find(value, "progressDetail") || json::at(value, "progressDetail", "current").is_null()) {
    message.status = json::text(json::at(value, "status"));
    const std::string id = json::text(json::at(value, "id"));
    if (!message.status.empty() && !id.empty()) message.status = id + ": " + message.status;
  }
  message.error = json::text(json::at(value, "errorDetail", "message"));
  if (message.error.empty()) message.error = json::text(json::at(value, "error"));
  message.error_code = static_cast<int>(json::number(json::at(value, "errorDetail", "code")));
  message.image = json::text(json::at(value, "aux", "ID"));
  return message;
}

}  // namespace paastech::docker
