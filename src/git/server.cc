#include "git/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <system_error>

#include "base/clock.h"
#include "base/rate_limit.h"
#include "git/host_key.h"
#include "git/login_places.h"
#include "git/repositories_service.h"
#include "git/session.h"
#include "git/session_context.h"
#include "git/too_busy.h"

namespace paastech::git {
namespace fs = std::filesystem;
namespace {

// A client takes the first cipher of its own list that the server has. OpenSSH's first is ChaCha20, which costs several
// times what AES-GCM costs in hardware, so only GCM is offered: OpenSSH has it since 6.2, PuTTY since 0.81, JGit,
// libssh2 1.11.
constexpr const char* kCiphers = "aes256-gcm@openssh.com,aes128-gcm@openssh.com";
// None by SHA-1 (ssh-rsa): libssh looks at a signature's kind only where it is told which.
constexpr const char* kSignatures =
    "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
    "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";
constexpr const char* kKeyExchange = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256";

// Closed at once, the connection would be reset before the Client has read why.
constexpr std::chrono::seconds kRefusalTime(2);
constexpr std::size_t kMaxRefused = 128;

struct BindFree {
  void operator()(ssh_bind_struct* bind) const { ssh_bind_free(bind); }
};

Status make_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code)
    return fail(Code::kFailedPrecondition,
                fmt::format("cannot make the folder {}: {}", folder.string(), code.message()));
  return {};
}

// A fresh folder with the one link: whatever else was in it would be run by git.
Status make_hooks(const GitOptions& options) {
  if (::access(options.hook_program.c_str(), X_OK) != 0)
    return fail(Code::kFailedPrecondition,
                fmt::format("the hook program {} is not there or not executable", options.hook_program.string()),
                "build it (paastech-hook), or install PaaSTech anew");
  std::error_code code;
  fs::remove_all(options.hooks_folder, code);
  TRY(make_folder(options.hooks_folder));
  ::chmod(options.hooks_folder.c_str(), 0700);
  fs::create_symlink(fs::absolute(options.hook_program), options.hooks_folder / "pre-receive", code);
  if (code)
    return fail(Code::kFailedPrecondition,
                fmt::format("cannot link the hook in {}: {}", options.hooks_folder.string(), code.message()));
  return {};
}

Result<Descriptor> listen_on(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return fail(Code::kFailedPrecondition, fmt::format("'{}' is not an IP address to listen on", address));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  Descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), 256) != 0) {
    const int code = errno;
    return fail(
        Code::kFailedPrecondition,
        fmt::format("cannot listen for SSH on {} port {}: {}", address, port, std::generic_category().message(code)),
        code == EADDRINUSE ? "stop what uses the port, or choose another with PAASTECH_SSH_PORT" : "");
  }
  return fd;
}

std::string peer_name(const sockaddr_storage& address, socklen_t length) {
  char host[NI_MAXHOST] = "?";
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return host;
}

// No delay for the small packets of a login; a peer that vanished without a word is found within two minutes.
void tune(int fd) {
  const int on = 1, idle = 60, interval = 15, probes = 4;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

class Server final : public GitServer {
 public:
  explicit Server(GitOptions options) : context_(std::move(options)), service_(context_.store) {}
  ~Server() override { stop(); }

  Status prepare();
  grpc::Service& repositories() override { return service_; }
  Status listen(std::shared_ptr<gateway::v1::GitGateway::Stub> gateway) override;
  std::uint16_t port() const override { return port_; }
  std::string fingerprint() const override { return fingerprint_; }
  void stop() override;

 private:
  void accept_loop();
  void admit(Descriptor connection, const std::string& peer);
  void run_session(Descriptor connection, const std::string& peer);
  void leave_login(const std::string& peer);

  SessionContext context_;
  RepositoriesService service_;
  std::unique_ptr<ssh_bind_struct, BindFree> bind_;
  std::string fingerprint_;
  std::uint16_t port_ = 0;
  Descriptor listener_, wake_reader_, wake_writer_;
  std::thread acceptor_;
  WorkerThreads sessions_;
  std::mutex mutex_;
  LoginPlaces logins_{context_.options.max_sessions};
  SystemClock clock_;
  // Whole logins, not keys: an agent may offer several before the right one. As many as over HTTP (threat 26).
  RateLimit failed_logins_{clock_, 10, 60'000};
  std::deque<std::pair<Descriptor, std::chrono::steady_clock::time_point>> refused_;  // open until the refusal is read
  std::set<int> sockets_;                                                             // of running sessions, for stop
};

Status Server::prepare() {
  const GitOptions& options = context_.options;
  TRY(context_.store.prepare());
  TRY(make_folder(options.hook_socket.parent_path()));
  TRY(make_hooks(options));
  TRY_ASSIGN(KeyHandle key, read_or_make_host_key(options.host_key));
  fingerprint_ = key_fingerprint(key.get());
  bind_.reset(ssh_bind_new());
  const bool no = false;
  ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
  if (ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_IMPORT_KEY, key.release()) != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_CIPHERS_C_S, kCiphers) != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_CIPHERS_S_C, kCiphers) != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_KEY_EXCHANGE, kKeyExchange) != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519") != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, kSignatures) != SSH_OK ||
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_BANNER, "PaaSTech") != SSH_OK)
    return fail(Code::kInternal, fmt::format("libssh refuses a setting: {}", ssh_get_error(bind_.get())));
  return {};
}

Status Server::listen(std::shared_ptr<gateway::v1::GitGateway::Stub> gateway) {
  const GitOptions& options = context_.options;
  context_.gateway.connect(std::move(gateway));
  TRY_ASSIGN(listener_, listen_on(options.address, options.port));
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &length);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                            : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  TRY(context_.hooks.start(options.hook_socket));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::kResourceExhausted, "cannot open a pipe");
  wake_reader_.reset(ends[0]);
  wake_writer_.reset(ends[1]);
  acceptor_ = std::thread([this] { accept_loop(); });
  return {};
}

void Server::stop() {
  if (!acceptor_.joinable()) return;
  context_.stopping = true;
  wake_writer_.reset();
  acceptor_.join();
  listener_.reset();
  context_.gateway.stop();
  context_.gate.poke();
  {
    const std::scoped_lock lock(mutex_);
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }
  sessions_.join();
  context_.hooks.stop();
}

void Server::accept_loop() {
  while (true) {
    pollfd wait[2] = {{listener_.get(), POLLIN, 0}, {wake_reader_.get(), POLLIN, 0}};
    ::poll(wait, 2, refused_.empty() ? -1 : 500);
    if (wait[1].revents != 0) return;
    const auto now = std::chrono::steady_clock::now();
    while (!refused_.empty() && (now - refused_.front().second > kRefusalTime || refused_.size() > kMaxRefused))
      refused_.pop_front();
    if (wait[0].revents == 0) continue;
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Descriptor connection(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length, SOCK_CLOEXEC));
    if (connection) {
      admit(std::move(connection), peer_name(address, length));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      spdlog::error("git: cannot accept a connection: {}", std::generic_category().message(errno));
      ::poll(&wait[1], 1, 200);  // the connection stays queued; without a pause this would spin
    }
  }
}

void Server::admit(Descriptor connection, const std::string& peer) {
  tune(connection.get());
  {
    const std::scoped_lock lock(mutex_);
    std::string why;
    if (const std::int64_t wait = failed_logins_.wait(address_key(peer)); wait > 0)
      why = fmt::format("PaaSTech takes no login from {} for {} seconds: too many failed within a minute", peer,
                        (wait + 999) / 1000);
    else if (!logins_.enter(peer))
      why = "PaaSTech is busy with too many connections; try again in a moment";
    if (!why.empty()) {
      spdlog::warn("git: {} is refused: {}", peer, why);
      refuse_politely(connection.get(), why);
      refused_.emplace_back(std::move(connection), std::chrono::steady_clock::now());
      return;
    }
  }
  auto shared = std::make_shared<Descriptor>(std::move(connection));
  try {
    sessions_.run([this, shared, peer] { run_session(std::move(*shared), peer); });
  } catch (const std::system_error& e) {
    spdlog::error("git: no thread for a session: {}", e.what());
    leave_login(peer);
  }
}

void Server::leave_login(const std::string& peer) {
  const std::scoped_lock lock(mutex_);
  logins_.leave(peer);
}

void Server::run_session(Descriptor connection, const std::string& peer) {
  const int fd = connection.get();
  bool login = true;
  const auto on_authenticated = [&] {
    login = false;
    leave_login(peer);
  };
  ssh_session session = ssh_new();
  bool accepted = false;
  {
    const std::scoped_lock lock(mutex_);  // the bind object is shared
    accepted = !context_.stopping && ssh_bind_accept_fd(bind_.get(), session, fd) == SSH_OK;
    if (accepted) sockets_.insert(fd);
    if (ssh_get_fd(session) == fd) connection.release();  // libssh closes it
  }
  if (!accepted) {
    ssh_free(session);
  } else {
    const auto running = std::make_unique<Session>(context_, session, peer);
    try {
      running->run(on_authenticated);
    } catch (const std::exception& e) {
      spdlog::error("git: {}: the session failed: {}", peer, e.what());
    }
    const std::scoped_lock lock(mutex_);  // before the descriptor is closed and its number given to another
    sockets_.erase(fd);
    if (running->was_refused()) failed_logins_.admit(address_key(peer));
  }
  if (login) leave_login(peer);
}

}  // namespace

Result<std::unique_ptr<GitServer>> GitServer::create(GitOptions options) {
  for (fs::path* path :
       {&options.repositories, &options.host_key, &options.hook_socket, &options.hooks_folder, &options.hook_program})
    *path = fs::absolute(*path).lexically_normal();  // git runs in other folders
  auto server = std::make_unique<Server>(std::move(options));
  TRY(server->prepare());
  return server;
}

}  // namespace paastech::git
