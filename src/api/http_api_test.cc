// What holds for every route: errors, headers, health and figures.
#include "api/http_api.h"

#include "api/test_support.h"
#include "net/http_client.h"

namespace paastech::api {
namespace {

class HttpApiTest : public ApiTest {};

TEST_F(HttpApiTest, AnswersUnknownRoutesAndMethods) {
  EXPECT_EQ(ask("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/projects/").status, 404);
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/docs/{file}").status, 404) << "as if it were the name of a file";
  const std::string root = token_of(add_client("root", true));
  EXPECT_EQ(ask("GET", "/api/v1/projects/{project}", root).status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/clients/{client}", root).status, 404);
  const net::HttpResponse wrong = ask("PUT", "/api/v1/projects");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.find("Allow"), "GET, HEAD, POST");
}

TEST_F(HttpApiTest, RefusesBodiesThatAreNotWhatTheRouteTakes) {
  const std::string token = token_of(add_client("ada"));
  net::ServerRequest form = request("POST", "/api/v1/projects", token, "");
  form.headers.add("Content-Type", "text/plain");
  form.body = "name=x";
  EXPECT_EQ(send(std::move(form)).status, 415);
  const net::HttpResponse malformed = ask("POST", "/api/v1/projects", token, "{\"name\": }");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_NE(malformed.body.find("line 1, column 10"), std::string::npos) << malformed.body;
  EXPECT_NE(ask("POST", "/api/v1/projects", token, R"({"name":7})").body.find("`name` must be a string"),
            std::string::npos);
  EXPECT_EQ(ask("POST", "/api/v1/projects", token, R"({"name":"hello","owner":"root"})").status, 422);
  EXPECT_EQ(ask("GET", "/api/v1/projects?x=1", token).status, 422);
  add_project("hello", add_client("bob"));
  EXPECT_EQ(ask("POST", "/api/v1/projects", token, "").status, 415);
}

TEST_F(HttpApiTest, SendsSecurityHeadersWithEveryAnswer) {
  for (const net::HttpResponse& answer :
       {ask("GET", "/api/v1/service"), ask("GET", "/nothing"), ask("GET", "/api/v1/me")}) {
    EXPECT_EQ(answer.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
  }
  EXPECT_EQ(ask("GET", "/api/v1/me").headers.find("Content-Type"), "application/problem+json");
}

TEST_F(HttpApiTest, DescribesTheServiceAndItsHealth) {
  context_->info.ssh_fingerprint = "SHA256:x";
  const auto service = json(ask("GET", "/api/v1/service"));
  EXPECT_EQ(service.at("version"), "0.1.0");
  EXPECT_EQ(service.at("ssh_fingerprint"), "SHA256:x");
  EXPECT_EQ(json(ask("GET", "/healthz")).at("status"), "ok");
  EXPECT_EQ(ask("HEAD", "/healthz").status, 200);
}

TEST_F(HttpApiTest, CountsWhatItAnswers) {
  const std::string root = token_of(add_client("root", true));
  add_deployment(add_project("hello", add_client("ada")), DeploymentState::kLive);
  ask("GET", "/api/v1/service");
  ask("GET", "/nothing");
  const std::string metrics = ask("GET", "/metrics", root).body;
  for (const char* line :
       {"paastech_api_requests_total{status=\"2xx\"} 1\n", "paastech_api_requests_total{status=\"4xx\"} 1\n",
        "paastech_deployments{state=\"live\"} 1\n", "paastech_deployments{state=\"queued\"} 0\n",
        "paastech_projects 1\n", "paastech_clients 2\n", "paastech_build_info{version=\"0.1.0\"} 1\n"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << metrics;
  EXPECT_EQ(metrics.find("process_resident_memory_bytes 0\n"), std::string::npos);
}

TEST_F(HttpApiTest, WorksOverTheWire) {
  const store::ClientRow ada = add_client("ada");
  const std::string token = token_of(ada);
  add_deployment(add_project("hello", ada), DeploymentState::kQueued);
  net::HttpServer server(io_.get_executor(), [this](net::ServerRequest asked, net::ResponseWriter& writer) {
    return api_->handle(std::move(asked), writer);
  });
  const Result<std::uint16_t> port = server.listen("127.0.0.1", 0);
  ASSERT_TRUE(port) << port.error().message;
  net::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = *port;
  const net::HttpClient client(endpoint);
  const auto get = [&](const std::string& target, const std::string& body) {
    net::HttpRequest asked;
    asked.target = target;
    asked.headers.add("Authorization", "Bearer " + token);
    if (!body.empty()) asked.method = "POST";
    if (!body.empty()) asked.headers.add("Content-Type", "application/json");
    asked.body = body;
    return run(client.request(asked));
  };
  const Result<net::HttpResponse> me = get("/api/v1/me", "");
  ASSERT_TRUE(me) << me.error().message;
  EXPECT_EQ(json(*me).at("username"), "ada");
  EXPECT_TRUE(me->headers.find("X-Request-Id"));
  const Result<net::HttpResponse> log = get("/api/v1/projects/hello/deployments/1/log", "");
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_NE(log->body.find("event: result\n"), std::string::npos);
  const Result<net::HttpResponse> made = get("/api/v1/projects", R"({"name":"second"})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->status, 201);
  const Result<net::HttpResponse> long_body = get("/api/v1/projects", std::string((1 << 20) + 1, ' '));
  ASSERT_TRUE(long_body) << long_body.error().message;
  EXPECT_EQ(long_body->status, 413);
  run_void(server.stop());
}

}  // namespace
}  // namespace paastech::api
