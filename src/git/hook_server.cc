#include "git/hook_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <system_error>

#include "git/hook_protocol.h"

namespace paastech::git {
namespace {

// A hook speaks at once; a Client that reads nothing for this long is given up by its session long before.
constexpr timeval kPatience{120, 0};
constexpr timeval kFirstWord{10, 0};

}  // namespace

Status HookServer::start(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path)
    return fail(Code::kFailedPrecondition,
                fmt::format("the path {} is too long for a unix socket ({} bytes at most)", socket.string(),
                            sizeof address.sun_path - 1),
                "choose a shorter PAASTECH_HOME");
  std::strcpy(address.sun_path, socket.c_str());
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(socket.c_str());
  if (!listener_ || ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(socket.c_str(), 0600) != 0 || ::listen(listener_.get(), 128) != 0)
    return fail(Code::kFailedPrecondition,
                fmt::format("cannot listen on {}: {}", socket.string(), std::generic_category().message(errno)));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::kResourceExhausted, "cannot open a pipe");
  wake_reader_.reset(ends[0]);
  wake_writer_.reset(ends[1]);
  path_ = socket;
  acceptor_ = std::thread([this] { accept_loop(); });
  return {};
}

void HookServer::stop() {
  if (!acceptor_.joinable()) return;
  wake_writer_.reset();
  acceptor_.join();
  workers_.join();
  listener_.reset();
  ::unlink(path_.c_str());
}

void HookServer::expect(std::shared_ptr<Push> push) {
  const std::scoped_lock lock(mutex_);
  expected_[push->token] = push;
}

void HookServer::forget(const Push& push) {
  const std::scoped_lock lock(mutex_);
  expected_.erase(push.token);
}

std::shared_ptr<Push> HookServer::take(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  const auto node = expected_.extract(token);
  return node ? node.mapped() : nullptr;
}

void HookServer::accept_loop() {
  while (true) {
    pollfd wait[2] = {{listener_.get(), POLLIN, 0}, {wake_reader_.get(), POLLIN, 0}};
    ::poll(wait, 2, -1);
    if (wait[1].revents != 0) return;
    Descriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    auto shared = std::make_shared<Descriptor>(std::move(connection));
    try {
      workers_.run([this, shared] { serve(std::move(*shared)); });
    } catch (const std::system_error& e) {
      spdlog::error("git: no thread for a hook: {}", e.what());
    }
  }
}

void HookServer::serve(Descriptor connection) {
  const int fd = connection.get();
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kFirstWord, sizeof kFirstWord);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  char type = 0;
  std::string body;
  if (!hook::receive_frame(fd, type, body, hook::kMaxRequest) || type != hook::kRequest) return;
  const std::size_t token_end = body.find('\n');
  const std::size_t folder_end = token_end == std::string::npos ? token_end : body.find('\n', token_end + 1);
  if (folder_end == std::string::npos) return;
  const std::shared_ptr<Push> push = take(body.substr(0, token_end));
  if (push == nullptr) {
    spdlog::warn("git: a hook came with an unknown token");
    return;
  }
  bool listening = true;
  const Speaker say = [&](std::string_view line) {
    listening = listening && hook::send_frame(fd, hook::kLine, line.substr(0, hook::kMaxLine));
  };
  bool accepted = false;
  try {
    accepted = decider_.decide(*push, body.substr(token_end + 1, folder_end - token_end - 1),
                               std::string_view(body).substr(folder_end + 1), say);
  } catch (const std::exception& e) {
    spdlog::error("git: deciding on a push failed: {}", e.what());
    say("error: the Service failed internally; nothing was changed");
  }
  hook::send_frame(fd, accepted ? hook::kAccept : hook::kReject, "");
}

}  // namespace paastech::git
