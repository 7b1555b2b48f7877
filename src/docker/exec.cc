#include "docker/exec.h"

#include "docker/deadline.h"
#include "docker/json.h"

namespace paastech::docker {

namespace bj = json::bj;

net::Task<Result<std::string>> create_exec(ClientPtr client, std::string container, std::vector<std::string> command) {
  bj::object body;
  body["AttachStdout"] = true;
  body["AttachStderr"] = true;
  body["Cmd"] = json::from_list(command);
  std::string text = bj::serialize(body);
  CO_TRY_ASSIGN(const net::HttpResponse response,
                co_await client->call("POST", "/containers/" + container + "/exec", std::move(text)));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  co_return json::text(json::at(answer, "Id"));
}

net::Task<Result<std::unique_ptr<net::HttpExchange>>> open_exec(ClientPtr client, std::string id) {
  net::Headers headers;
  std::string body = R"({"Detach":false,"Tty":false})";
  CO_TRY_ASSIGN(auto exchange,
                co_await client->open("POST", "/exec/" + id + "/start", false, std::move(headers), std::move(body)));
  CO_TRY(co_await client->check_head(exchange.get(), kAnswerTime));
  co_return std::move(exchange);
}

net::Task<Result<ExecState>> inspect_exec(ClientPtr client, std::string id) {
  CO_TRY_ASSIGN(const net::HttpResponse response, co_await client->call("GET", "/exec/" + id + "/json"));
  CO_TRY_ASSIGN(const bj::value answer, json::parse(response.body));
  ExecState state;
  state.running = json::truth(json::at(answer, "Running"));
  state.exit_code = static_cast<int>(json::number(json::at(answer, "ExitCode")));
  state.process = json::number(json::at(answer, "Pid"));
  co_return state;
}

}  // namespace paastech::docker
