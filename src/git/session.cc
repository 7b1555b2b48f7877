#include "git/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/ids.h"
#include "base/text.h"
#include "git/hook_protocol.h"
#include "git/host_key.h"
#include "git/transfer.h"

namespace paastech::git {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::seconds kLoginTime(20);    // key exchange and authentication together
constexpr std::chrono::seconds kRequestTime(10);  // from then to the command
constexpr int kMaxFailures = 6;                   // as OpenSSH's MaxAuthTries
constexpr int kMaxOffers = 20;                    // keys offered, known ones among them
constexpr std::size_t kPacksBeforeRepack = 50;    // git's own gc.autoPackLimit
constexpr std::chrono::minutes kRepackTime(10);
constexpr std::uint64_t kMinFree = 64 << 20;  // below this much free disk a push is refused at once

// fsck in receive-pack is strict: what is a warning elsewhere (.git, .., . in trees, full paths) is an error here. Two
// old tools' harmless slips are let through, as the large hosts do.
Settings receive_settings(const GitOptions& options, std::int64_t max_push_bytes) {
  return {{"core.hooksPath", options.hooks_folder.string()},
          {"core.fsync", "committed,reference"},
          {"receive.fsckObjects", "true"},
          {"receive.fsck.zeroPaddedFilemode", "warn"},
          {"receive.fsck.missingSpaceBeforeDate", "warn"},
          {"receive.fsck.gitattributesSymlink", "error"},
          {"receive.maxInputSize", std::to_string(max_push_bytes)},
          {"receive.unpackLimit", "1"},
          {"receive.autogc", "false"},
          {"receive.advertisePushOptions", "false"},
          {"receive.denyDeleteCurrent", "ignore"},  // the hook refuses it, with a reason
          {"receive.denyCurrentBranch", "ignore"},
          {"receive.keepAlive", "5"}};
}

// What the Service takes, or less where the plan of the Project's owner leaves less.
TransferLimits push_limits(const GitOptions& options, const gateway::v1::Repository& repository) {
  TransferLimits limits;
  limits.max_push_bytes = options.max_push_bytes;
  limits.time = options.push_timeout;
  if (repository.max_push_bytes() <= 0 || repository.max_push_bytes() >= options.max_push_bytes) return limits;
  limits.max_push_bytes = repository.max_push_bytes();
  limits.too_large = {Code::kResourceExhausted, repository.too_large() + "; nothing was changed",
                      repository.too_large_hint()};
  return limits;
}

int remaining_ms(Steady::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
}

Status check_disk(const std::filesystem::path& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) == 0 && std::uint64_t{info.f_bavail} * info.f_frsize < kMinFree)
    return std::unexpected(disk_full());
  return {};
}

}  // namespace

Session::Session(SessionContext& context, ssh_session session, std::string peer)
    : context_(context), connection_{session, ssh_event_new(), nullptr}, peer_(std::move(peer)) {}

Session::~Session() {
  if (connection_.session != nullptr) {
    if (connection_.event != nullptr) ssh_event_remove_session(connection_.event, connection_.session);
    ssh_disconnect(connection_.session);
    ssh_free(connection_.session);
  }
  if (connection_.event != nullptr) ssh_event_free(connection_.event);
}

void Session::run(const std::function<void()>& on_authenticated) {
  if (!authenticate()) return;
  const SessionPlace place(context_.places, identity_->client_id());
  // Without a place it stays among those that are logging in, whose number is bounded as well.
  if (place.taken) on_authenticated();
  if (!await_request()) return;
  int status = 1;
  if (place.taken)
    status = serve();
  else
    connection_.say_error(place.taken.error());
  if (connection_.connected()) connection_.finish(status);
  repack_if_needed();
}

bool Session::authenticate() {
  const Steady::time_point deadline = Steady::now() + kLoginTime;
  ssh_session session = connection_.session;
  server_callbacks_.userdata = this;
  server_callbacks_.auth_pubkey_function = on_pubkey;
  server_callbacks_.channel_open_request_session_function = on_channel;
  ssh_callbacks_init(&server_callbacks_);
  ssh_set_server_callbacks(session, &server_callbacks_);
  ssh_set_auth_methods(session, SSH_AUTH_METHOD_PUBLICKEY);
  long timeout = kLoginTime.count();
  ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &timeout);
  if (ssh_handle_key_exchange(session) != SSH_OK) {
    spdlog::debug("git: {}: no key exchange: {}", peer_, ssh_get_error(session));
    return false;
  }
  ssh_set_blocking(session, 0);
  ssh_event_add_session(connection_.event, session);
  while (!identity_) {
    const int left = remaining_ms(deadline);
    if (left == 0 || failures_ >= kMaxFailures || context_.stopping) {
      spdlog::info("git: {}: login given up ({})", peer_, left == 0 ? "too slow" : "too many tries");
      return false;
    }
    if (ssh_event_dopoll(connection_.event, left) == SSH_ERROR || !connection_.connected()) return false;
    // libssh answers nothing to a signature of a kind that is not taken: its sender would wait for the login's end.
    if (ssh_get_error_code(session) == SSH_FATAL) {
      spdlog::info("git: {}: login refused: {}", peer_, sanitize_terminal(ssh_get_error(session)));
      return false;
    }
  }
  for (const std::string& key : unknown_keys_) context_.familiar.add(key);
  return true;
}

bool Session::await_request() {
  const Steady::time_point deadline = Steady::now() + kRequestTime;
  while (!request_) {
    const int left = remaining_ms(deadline);
    if (left == 0 || context_.stopping) return false;
    if (ssh_event_dopoll(connection_.event, left) == SSH_ERROR || !connection_.connected()) return false;
  }
  return true;
}

int Session::on_pubkey(ssh_session, const char*, ssh_key_struct* key, char state, void* self) {
  return static_cast<Session*>(self)->check_key(key, state);
}

// Called for an offer (state NONE) and for a signature that libssh has verified (VALID) or found wrong.
int Session::check_key(ssh_key key, char state) {
  if (identity_ || failures_ >= kMaxFailures) return SSH_AUTH_DENIED;
  if (state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID) {
    ++failures_;
    spdlog::warn("git: {}: a signature did not verify", peer_);
    return SSH_AUTH_DENIED;
  }
  const std::string fingerprint = key_fingerprint(key);
  const auto found = context_.gateway.identify(fingerprint, state == SSH_PUBLICKEY_STATE_VALID);
  if (!found) {
    ++failures_;
    tell_unknown_key(fingerprint, found.error());
    return SSH_AUTH_DENIED;
  }
  if (state == SSH_PUBLICKEY_STATE_VALID) {
    identity_ = *found;
    fingerprint_ = fingerprint;
  } else if (++offers_ > kMaxOffers) {
    failures_ = kMaxFailures;
  }
  return SSH_AUTH_SUCCESS;
}

// A refused key can be explained only by a banner (RFC 4252 section 5.4), which ssh prints before it tries the next
// one.
void Session::tell_unknown_key(const std::string& fingerprint, const Error& error) {
  const bool unknown = error.code == Code::kNotFound;
  if (unknown) unknown_keys_.push_back(fingerprint);
  if (unknown && context_.familiar.contains(fingerprint)) return;
  spdlog::info("git: {}: key {} refused: {}", peer_, fingerprint, unknown ? "nobody's" : error.message);
  std::string text = fmt::format("PaaSTech cannot check keys now: {}.\r\n", error.message);
  if (unknown)
    text =
        fmt::format("PaaSTech does not know the key {}.\r\nAdd it with: paastech keys add FILE.pub\r\n", fingerprint);
  else if (error.code == Code::kPermissionDenied)
    text = fmt::format("PaaSTech: {}{}{}.\r\n", error.message, error.hint.empty() ? "" : "; ", error.hint);
  ssh_string banner = ssh_string_from_char(text.c_str());
  ssh_send_issue_banner(connection_.session, banner);
  ssh_string_free(banner);
}

ssh_channel Session::on_channel(ssh_session session, void* self) {
  Session& me = *static_cast<Session*>(self);
  if (!me.identity_ || me.connection_.channel != nullptr) return nullptr;
  ssh_channel channel = ssh_channel_new(session);
  me.channel_callbacks_.userdata = self;
  me.channel_callbacks_.channel_exec_request_function = on_exec;
  me.channel_callbacks_.channel_shell_request_function = on_shell;
  me.channel_callbacks_.channel_env_request_function = on_environment;
  ssh_callbacks_init(&me.channel_callbacks_);
  ssh_set_channel_callbacks(channel, &me.channel_callbacks_);
  me.connection_.channel = channel;
  return channel;
}

int Session::on_exec(ssh_session, ssh_channel, const char* command, void* self) {
  Session& me = *static_cast<Session*>(self);
  if (me.request_) return 1;
  me.request_ = Request{false, command};
  return 0;
}

int Session::on_shell(ssh_session, ssh_channel, void* self) {
  Session& me = *static_cast<Session*>(self);
  if (me.request_) return 1;
  me.request_ = Request{true, {}};
  return 0;
}

int Session::on_environment(ssh_session, ssh_channel, const char* name, const char* value, void* self) {
  if (std::string_view(name) != "GIT_PROTOCOL" || !is_git_protocol(value)) return 1;
  static_cast<Session*>(self)->git_protocol_ = value;
  return 0;
}

int Session::serve() {
  if (request_->shell) {
    connection_.say(
        fmt::format("Hi {}! You are logged in, but PaaSTech does not offer a shell.\r\n"
                    "Push with: git push paastech main\r\n",
                    identity_->username()));
    return 1;
  }
  const Result<int> status = serve_git(request_->command);
  if (status) return *status;
  spdlog::info("git: {}: {} was refused: {}", peer_, identity_->username(), status.error().message);
  connection_.say_error(status.error());
  return 1;
}

gateway::v1::AuthorizeRequest Session::authorize_request(const GitCommand& command) const {
  gateway::v1::AuthorizeRequest request;
  request.set_client_id(identity_->client_id());
  request.set_repository(command.repository);
  request.set_write(command.write);
  request.set_fingerprint(fingerprint_);
  request.set_address(peer_);
  return request;
}

Result<int> Session::serve_git(const std::string& line) {
  TRY_ASSIGN(const GitCommand command, parse_git_command(line));
  TRY_ASSIGN(const gateway::v1::Repository repository, context_.gateway.authorize(authorize_request(command)));
  if (!is_uuid(repository.project_id()) || !context_.store.exists(repository.project_id())) {
    spdlog::error("git: project {} has no repository", repository.project_id());
    return fail(Code::kInternal, "the project's repository is missing on the Service", "tell the administrator");
  }
  if (!command.write) return transfer(repository, false, nullptr);
  TRY(check_disk(context_.options.repositories));
  const auto push =
      std::make_shared<Push>(random_token(32), repository.project_id(), identity_->client_id(), fingerprint_, peer_);
  spdlog::info("git: {}: {} pushes to {}", peer_, identity_->username(), repository.project_id());
  context_.hooks.expect(push);
  const Result<int> status = transfer(repository, true, push.get());
  context_.hooks.forget(*push);
  context_.store.point_head_at_deploy_branch(repository.project_id());
  context_.decider.release(*push);
  pushed_project_ = repository.project_id();
  return status;
}

Result<int> Session::transfer(const gateway::v1::Repository& repository, bool write, Push* push) {
  GitInvocation invocation;
  const std::string path = context_.store.path_of(repository.project_id()).string();
  TransferLimits limits = push_limits(context_.options, repository);
  if (write) {
    invocation.arguments = {"receive-pack", path};
    invocation.configuration = receive_settings(context_.options, limits.max_push_bytes);
    invocation.environment = {{hook::kSocketVariable, context_.options.hook_socket.string()},
                              {hook::kTokenVariable, push->token}};
  } else {
    invocation.arguments = {"upload-pack", "--strict", path};
  }
  if (!git_protocol_.empty()) invocation.environment.emplace_back("GIT_PROTOCOL", git_protocol_);
  TRY_ASSIGN(GitProcess git, GitProcess::start(invocation));
  Transfer transfer(connection_, std::move(git), push, context_.gate, std::move(limits));
  return transfer.run();
}

// Each push leaves a pack; many packs make every read slow. The Client does not wait for this.
void Session::repack_if_needed() {
  if (pushed_project_.empty() || context_.store.count_packs(pushed_project_) <= kPacksBeforeRepack) return;
  GitInvocation invocation;
  invocation.arguments = {
      "--git-dir=" + context_.store.path_of(pushed_project_).string(), "repack", "-d", "-l", "-q", "--geometric=2"};
  Result<GitProcess> git = GitProcess::start(invocation);
  if (!git) return;
  git->in.reset();
  const Steady::time_point deadline = Steady::now() + kRepackTime;
  char buffer[4096];
  while (true) {  // it ends with its standard error; the destructor kills it where it does not
    pollfd wait{git->err.get(), POLLIN, 0};
    ::poll(&wait, 1, 500);
    if (wait.revents != 0 && ::read(git->err.get(), buffer, sizeof buffer) == 0) break;
    if (context_.stopping || Steady::now() > deadline) return;
  }
  const int status = git->wait();
  if (status != 0) spdlog::warn("git: repacking project {} ended with {}", pushed_project_, status);
}

}  // namespace paastech::git
