#pragma once
// The gRPC service Repositories (repositories.proto) over the RepositoryStore. Synchronous API: each call blocks a
// thread of gRPC's own pool; how many archives run at once is bounded here.
#include <semaphore>

#include "git/repository_store.h"
#include "repositories.grpc.pb.h"

namespace paastech::git {

class RepositoriesService final : public repositories::v1::Repositories::Service {
 public:
  static constexpr int kMaxCalls = 16;

  explicit RepositoriesService(RepositoryStore& store) : store_(store) {}
  grpc::Status Create(grpc::ServerContext*, const repositories::v1::CreateRequest*,
                      repositories::v1::CreateReply*) override;
  grpc::Status Remove(grpc::ServerContext*, const repositories::v1::RemoveRequest*,
                      repositories::v1::RemoveReply*) override;
  grpc::Status ReadFiles(grpc::ServerContext*, const repositories::v1::ReadFilesRequest*,
                         repositories::v1::ReadFilesReply*) override;
  grpc::Status Archive(grpc::ServerContext*, const repositories::v1::ArchiveRequest*,
                       grpc::ServerWriter<repositories::v1::ArchiveChunk>*) override;
  grpc::Status Size(grpc::ServerContext*, const repositories::v1::SizeRequest*, repositories::v1::SizeReply*) override;

 private:
  Status stream_archive(grpc::ServerContext& context, const repositories::v1::ArchiveRequest& request,
                        grpc::ServerWriter<repositories::v1::ArchiveChunk>& writer);

  RepositoryStore& store_;
  std::counting_semaphore<kMaxCalls> slots_{kMaxCalls};
};

}  // namespace paastech::git
