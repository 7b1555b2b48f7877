#include "git/repositories_service.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>

#include "base/failpoint.h"
#include "base/text.h"
#include "rpc/status.h"

namespace paastech::git {
namespace wire = repositories::v1;
namespace {

constexpr std::size_t kChunk = 256 << 10;  // repositories.proto
constexpr std::size_t kMaxArchive = std::size_t{4}
                                    << 30;  // eight times the default limit of a push; bounds a blob bomb
constexpr std::chrono::minutes kMaxTime(10);
constexpr std::size_t kMaxErrorText = 4096;
constexpr int kMaxPaths = 1000;

template <std::ptrdiff_t Slots>
class Slot {
 public:
  explicit Slot(std::counting_semaphore<Slots>& slots) : slots_(slots) { slots_.acquire(); }
  ~Slot() { slots_.release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::counting_semaphore<Slots>& slots_;
};

// Fills text up to its limit; false at the end of the stream.
bool read_some(int fd, std::string& text, std::size_t limit) {
  char buffer[65536];
  const ssize_t n = ::read(fd, buffer, std::min(sizeof buffer, limit - text.size()));
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  text.append(buffer, static_cast<std::size_t>(n));
  return n > 0;
}

}  // namespace

grpc::Status RepositoriesService::Create(grpc::ServerContext*, const wire::CreateRequest* request, wire::CreateReply*) {
  return rpc::to_grpc(store_.create(request->project_id(), request->default_branch()));
}

grpc::Status RepositoriesService::Remove(grpc::ServerContext*, const wire::RemoveRequest* request, wire::RemoveReply*) {
  PAASTECH_FAILPOINT("git.removal");
  return rpc::to_grpc(store_.remove(request->project_id()));
}

grpc::Status RepositoriesService::ReadFiles(grpc::ServerContext*, const wire::ReadFilesRequest* request,
                                            wire::ReadFilesReply* reply) {
  if (request->paths_size() > kMaxPaths) return {grpc::StatusCode::INVALID_ARGUMENT, "too many paths in one call"};
  const Slot slot(slots_);
  auto found =
      store_.read_files(request->project_id(), request->commit(), {request->paths().begin(), request->paths().end()});
  if (!found) return rpc::to_grpc(found.error());
  for (TreeFile& file : found->files) {
    wire::TreeFile* out = reply->add_files();
    out->set_path(file.path);
    out->set_kind(file.kind);
    out->set_content(std::move(file.content));
  }
  reply->set_subject(found->subject);
  reply->set_author(found->author);
  return grpc::Status::OK;
}

grpc::Status RepositoriesService::Archive(grpc::ServerContext* context, const wire::ArchiveRequest* request,
                                          grpc::ServerWriter<wire::ArchiveChunk>* writer) {
  const Slot slot(slots_);
  return rpc::to_grpc(stream_archive(*context, *request, *writer));
}

grpc::Status RepositoriesService::Size(grpc::ServerContext*, const wire::SizeRequest* request, wire::SizeReply* reply) {
  const Slot slot(slots_);
  std::int64_t bytes = 0;
  for (const std::string& project : request->project_ids()) bytes += store_.size(project);
  reply->set_bytes(bytes);
  return grpc::Status::OK;
}

Status RepositoriesService::stream_archive(grpc::ServerContext& context, const wire::ArchiveRequest& request,
                                           grpc::ServerWriter<wire::ArchiveChunk>& writer) {
  TRY_ASSIGN(const GitInvocation invocation, store_.archive(request.project_id(), request.commit(), request.path()));
  TRY_ASSIGN(GitProcess git, GitProcess::start(invocation));
  git.in.reset();
  const auto deadline = std::chrono::steady_clock::now() + kMaxTime;
  std::string errors;
  wire::ArchiveChunk chunk;
  std::size_t total = 0;
  PAASTECH_FAILPOINT("git.archive");
  const auto send = [&] {
    total += chunk.data().size();
    const bool sent = chunk.data().empty() || writer.Write(chunk);
    chunk.clear_data();
    return sent;
  };
  while (git.out || git.err) {
    pollfd wait[2] = {{git.out.get(), POLLIN, 0}, {git.err.get(), POLLIN, 0}};
    ::poll(wait, 2, 500);
    if (context.IsCancelled()) return fail(Code::kCancelled, "the caller is gone");
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Code::kDeadlineExceeded, "archiving the commit took over 10 minutes");
    if (wait[0].revents != 0 && !read_some(git.out.get(), *chunk.mutable_data(), kChunk)) git.out.reset();
    if (wait[1].revents != 0) {
      if (errors.size() >= kMaxErrorText) errors.resize(kMaxErrorText / 2);
      if (!read_some(git.err.get(), errors, kMaxErrorText)) git.err.reset();
    }
    if ((chunk.data().size() >= kChunk || !git.out) && !send()) return fail(Code::kCancelled, "the caller is gone");
    if (total > kMaxArchive)
      return fail(Code::kResourceExhausted,
                  fmt::format("the commit's files are over the limit of {} GiB", kMaxArchive >> 30),
                  "keep large files out of the repository");
  }
  if (git.wait() != 0)
    return fail(Code::kInternal, fmt::format("git archive failed: {}", sanitize_terminal(trim(errors))));
  return {};
}

}  // namespace paastech::git
