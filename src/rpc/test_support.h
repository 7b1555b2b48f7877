#pragma once
// For the tests of rpc: a folder of the test's own, and calls to methods by name, without generated code – the standard
// services have none in Debian's package.
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/ids.h"

namespace paastech::rpc::testing {

inline constexpr const char* kHealth = "/grpc.health.v1.Health/Check";
inline constexpr const char* kReflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
inline constexpr const char* kServing = "\x08\x01";  // HealthCheckResponse{status: SERVING}

struct FolderTest : ::testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("pt-rpc-" + new_uuid().substr(0, 8));
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
};

inline grpc::ByteBuffer bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

inline std::string text_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (buffer.Valid() && buffer.Dump(&slices).ok())
    for (const grpc::Slice& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

struct Reply {
  grpc::StatusCode code = grpc::StatusCode::OK;  // OK: a message came
  std::string text;                              // the message, or the reason of the failure
};

// Sends one message to a method and waits for the first one back.
inline Reply ask(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 const std::string& message = "") {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  const auto call = stub.PrepareCall(&context, method, &queue);
  const auto step = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  const bool started = step();
  if (started) {
    call->WriteLast(bytes(message), {}, nullptr);
    (void)step();
  }
  grpc::ByteBuffer answer;
  call->Read(&answer, nullptr);
  const bool answered = step();
  if (answered) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  (void)queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  if (answered) return {grpc::StatusCode::OK, text_of(answer)};
  return {status.error_code(), status.error_message()};
}

}  // namespace paastech::rpc::testing
