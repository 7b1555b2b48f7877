#pragma once
// For tests: the API on a real database in a folder of its own, with a controller that only records, and a pomegranate
// in this process that answers what the test lays down. One loop, run by the test's thread.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "api/contract/contract.h"
#include "api/fake_controller.h"
#include "api/http_api.h"
#include "base/ids.h"
#include "controller/grpc_reports.h"
#include "controller/log_book.h"
#include "net/task.h"
#include "rpc/host.h"
#include "store/database.h"
#include "store/deployments.h"
#include "store/test_database.h"
#include "store/usage.h"

namespace paastech::api {

struct HandClock final : Clock {
  std::int64_t now_ms() const override { return now; }
  std::int64_t steady_ms() const override { return now - 1'799'999'000'000; }  // of another beginning, as the real one
  std::int64_t now = 1'800'000'000'000;
};

// Collects an answer; with peer_leaves_after writes the peer is gone.
class TestWriter final : public net::ResponseWriter {
 public:
  net::Task<Status> send(net::HttpResponse answer) override;
  net::Task<Status> start(int status, net::Headers headers) override;
  net::Task<Status> write(std::string chunk) override;
  net::Task<Status> finish() override;
  net::HttpResponse response;
  int writes = 0;
  int peer_leaves_after = 1'000'000;
  std::function<void()> on_write;  // after each
  bool finished = false;
};

class FakeEngine final : public engine::Pomegranate::Service {
 public:
  grpc::Status Describe(grpc::ServerContext*, const engine::DescribeRequest*,
                        engine::EngineDescription* reply) override;
  grpc::Status List(grpc::ServerContext*, const engine::ListRequest* request, engine::ListReply* reply) override;
  grpc::Status Stats(grpc::ServerContext*, const engine::StatsRequest*, engine::StatsReply* reply) override;
  std::atomic<bool> down = false;
  std::string project = {};  // whose the Instance is in a list of all Projects; set between requests
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest();
  ~ApiTest() override;

  static std::unique_ptr<rpc::Host> host(const std::vector<grpc::Service*>& services);

  template <class T>
  T run(net::Task<T> task) {
    std::optional<T> out;
    std::exception_ptr failure;
    net::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr e, T value) {
      failure = e;
      out.emplace(std::move(value));
    });
    while (!out) io_.run_one();
    if (failure) std::rethrow_exception(failure);
    return std::move(*out);
  }
  void run_void(net::Task<void> task);

  store::ClientRow add_client(const std::string& username, bool administrator = false);
  // All accounts of a test have the password "correct-horse": hashed once, for a hash takes tens of milliseconds.
  static const std::string& cheap_hash();
  std::string token_of(const store::ClientRow& client);
  std::string token_of(store::TokenRow row);
  store::ProjectRow add_project(const std::string& name, const store::ClientRow& owner);
  std::int64_t add_deployment(const store::ProjectRow& project, DeploymentState state,
                              const std::string& processes = "{}");

  net::ServerRequest request(const std::string& method, const std::string& target, const std::string& token,
                             const std::string& body);
  // Asks, and holds every JSON answer to the contract.
  net::HttpResponse ask(const std::string& method, const std::string& target, const std::string& token = "",
                        const std::string& body = "");
  net::HttpResponse send(net::ServerRequest asked);
  // As a browser sends a form of a page of ours.
  net::HttpResponse send_form(const std::string& target, const std::string& form, const std::string& token = "",
                              const std::string& cookie = "");
  static boost::json::object json(const net::HttpResponse& answer);

  std::filesystem::path folder_;
  net::asio::io_context io_;
  net::asio::executor_work_guard<net::asio::io_context::executor_type> guard_;
  net::TaskGroup tasks_;
  net::BlockingPool pool_{3};
  net::BlockingPool hashing_{2};
  store::FreshPlace place_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<controller::DatabaseAccess> access_;
  std::unique_ptr<FakeController> controller_;
  std::unique_ptr<logs::DeploymentLog> log_;
  logs::LogStore lines_{folder_};
  std::unique_ptr<controller::LogBook> book_;
  FakeEngine engine_;
  std::unique_ptr<rpc::Host> engine_host_;
  std::unique_ptr<engine::Pomegranate::Stub> stub_;
  std::unique_ptr<controller::GrpcEngineReports> engine_reports_;
  SecretBox secrets_{std::string(32, 'k')};
  HandClock clock_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<HttpApi> api_;
  TestWriter writer_;
  std::string peer_ = "192.0.2.1";
  int requests_ = 0;
};

}  // namespace paastech::api
