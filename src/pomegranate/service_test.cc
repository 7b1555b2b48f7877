// The gRPC face: what the wiring gets, called as api calls it.
#include "pomegranate/service.h"

#include <gtest/gtest.h>

#include <grpcpp/grpcpp.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "base/ids.h"
#include "pomegranate.grpc.pb.h"

namespace paastech::pomegranate {
namespace {

class Service : public ::testing::Test {
 protected:
  void start(Options options) {
    service_ = make_service(tasks_, std::move(options));
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Pomegranate::NewStub(server_->InProcessChannel({}));
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    boost::asio::post(loop_, [this] {
      tasks_.cancel();
      boost::asio::co_spawn(loop_, tasks_.join(), [this](std::exception_ptr) { loop_.stop(); });
    });
    if (thread_.joinable()) thread_.join();
  }
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  net::TaskGroup tasks_{loop_.get_executor()};
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Pomegranate::Stub> stub_;
  std::thread thread_;
};

TEST_F(Service, StartsWithoutAnEngineAndAnswersUnavailable) {
  Options options;
  options.docker_socket = "/nonexistent/docker.sock";
  options.firewall = false;
  start(options);
  grpc::ClientContext context;
  v1::EngineDescription reply;
  const grpc::Status status = stub_->Describe(&context, {}, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("does not answer at /nonexistent/docker.sock"), std::string::npos);
  grpc::ClientContext watching;
  auto events = stub_->Watch(&watching, {});
  v1::InstanceEvent event;
  EXPECT_FALSE(events->Read(&event));
  EXPECT_EQ(events->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Service, RefusesNamesThatCouldReachElsewhere) {
  Options options;
  options.docker_socket = "/nonexistent/docker.sock";
  options.firewall = false;
  start(options);
  for (const char* name : {"../x", "", "550e8400-e29b-41d4-a716-446655440000/json?x="}) {
    grpc::ClientContext context;
    v1::RemoveProjectRequest request;
    request.set_project(name);
    v1::RemoveProjectReply reply;
    EXPECT_EQ(stub_->RemoveProject(&context, request, &reply).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
  }
  grpc::ClientContext context;
  v1::RemoveImageRequest request;
  request.set_reference("debian:bookworm");
  v1::RemoveImageReply reply;
  EXPECT_EQ(stub_->RemoveImage(&context, request, &reply).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Service, DescribesTheRealEngineAndStreams) {
  const char* socket = std::getenv("PAASTECH_TEST_DOCKER_SOCKET");
  if (!socket) GTEST_SKIP() << "PAASTECH_TEST_DOCKER_SOCKET names no Docker Engine";
  Options options;
  options.docker_socket = socket;
  options.instance = "s" + hex(random_token(6)).substr(0, 8);
  options.firewall = false;
  start(options);
  grpc::ClientContext context;
  v1::EngineDescription reply;
  const grpc::Status status = stub_->Describe(&context, {}, &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.engine(), "docker");
  EXPECT_TRUE(reply.api_version().starts_with("1."));
  EXPECT_TRUE(reply.firewall().starts_with("off") || reply.firewall().starts_with("not")) << reply.firewall();
  grpc::ClientContext watching;
  auto events = stub_->Watch(&watching, {});
  watching.TryCancel();
  v1::InstanceEvent event;
  EXPECT_FALSE(events->Read(&event));
}

}  // namespace
}  // namespace paastech::pomegranate
