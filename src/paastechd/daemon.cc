#include "paastechd/daemon.h"

#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/memory.h"
#include "git/server.h"
#include "ingress/router.h"
#include "paastechd/api_role.h"
#include "paastechd/home.h"
#include "paastechd/links.h"
#include "pomegranate/registry_list.h"
#include "pomegranate/service.h"
#include "rpc/host.h"
#include "rpc/wind_down.h"

namespace paastech {
namespace {

namespace asio = net::asio;

constexpr std::chrono::hours kCertificatesEvery{6};  // of 30 days in which a renewal may come
constexpr std::chrono::seconds kMemoryEvery{5};      // a few milliseconds of a thread aside

// The program that git starts before refs move lies beside paastechd.
std::filesystem::path hook_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "paastech-hook";
}

class Daemon {
 public:
  Daemon(const Config& config, std::set<DaemonRole> roles)
      : config_(config), roles_(std::move(roles)), tasks_(io_.get_executor()) {}

  Status start() {
    TRY_ASSIGN(Links links, Links::open(config_, roles_));
    links_.emplace(std::move(links));
    TRY(start_router());
    TRY(start_git());
    if (has(DaemonRole::kPomegranate)) {
      pomegranate::Options options{config_.docker_socket, config_.instance, config_.subnet_pool, config_.subnet_bits};
      options.instance_disk_bytes = config_.instance_disk_bytes;
      options.build_disk_bytes = config_.build_disk_bytes;
      TRY_ASSIGN(options.registries, pomegranate::parse_registries(config_.registries));
      pomegranate_ = pomegranate::make_service(tasks_, std::move(options));
    }
    TRY(host_inner_services());
    TRY(start_api());
    if (git_) {
      const auto channel = api_ ? api_host_->channel() : links_->channel_to(DaemonRole::kApi);
      TRY(git_->listen(gateway::v1::GitGateway::NewStub(channel)));
      spdlog::info("git: ssh on {}:{}, host key {}", config_.ssh_address, git_->port(), git_->fingerprint());
    }
    return {};
  }

  // Runs the loop until a signal; where start() failed, only until what had started is stopped again.
  Status run(Status started) {
    asio::signal_set signals(io_, SIGINT, SIGTERM);
    if (started) {
      signals.async_wait([this](const boost::system::error_code& error, int number) {
        if (error) return;
        spdlog::info("signal {}: stopping; Applications go on running", number);
        stop();
      });
      if (api_) tasks_.spawn("start", begin());
      tasks_.spawn("certificates", look_after_certificates());
      tasks_.spawn("memory", give_back_memory());
    } else {
      stop();
    }
    io_.run();
    if (!started) return started;
    return api_ ? api_->outcome() : Status{};
  }

 private:
  bool has(DaemonRole role) const { return roles_.contains(role); }

  Status start_router() {
    if (!has(DaemonRole::kRouter)) return {};
    ingress::RouterOptions options;
    options.address = config_.http_address;
    options.port = static_cast<std::uint16_t>(config_.http_port);
    options.loops = config_.router_loops;
    options.table_file = config_.home / "routes.bin";
    options.trusted_proxy = config_.trusted_proxy;
    options.limits.body_rate = config_.min_body_rate;
    options.limits.max_body = config_.max_request_bytes;
    options.limits.response_timeout_ms = config_.response_timeout_s * 1000;
    options.limits.stall_timeout_ms = config_.stall_timeout_s * 1000;
    TRY_ASSIGN(router_, ingress::Router::start(options));
    spdlog::info("ingress: http on {}:{}", config_.http_address, router_->port());
    return {};
  }

  // Where api, in a process of its own, learns the host key's fingerprint from.
  std::filesystem::path fingerprint_file() const { return config_.run_folder() / "ssh_fingerprint"; }

  Status start_git() {
    if (!has(DaemonRole::kGit)) return {};
    git::GitOptions options;
    options.repositories = config_.home / "repositories";
    options.host_key = config_.home / "ssh_host_ed25519_key";
    options.hook_socket = config_.run_folder() / "hook.sock";
    options.hooks_folder = config_.run_folder() / "hooks";
    options.hook_program = hook_program();
    options.address = config_.ssh_address;
    options.port = static_cast<std::uint16_t>(config_.ssh_port);
    options.max_push_bytes = config_.max_push_bytes;
    options.push_timeout = std::chrono::seconds(config_.push_timeout_s);
    TRY_ASSIGN(git_, git::GitServer::create(options));
    return write_file(fingerprint_file(), git_->fingerprint());
  }

  // The services that ask nothing of api; a role alone serves them to the others.
  Status host_inner_services() {
    std::vector<grpc::Service*> services;
    if (pomegranate_) services.push_back(pomegranate_.get());
    if (git_) services.push_back(&git_->repositories());
    if (router_) services.push_back(&router_->service());
    if (services.empty()) return {};
    TRY_ASSIGN(inner_host_, links_->host(services));
    return {};
  }

  std::shared_ptr<grpc::Channel> channel_to(DaemonRole role) {
    return has(role) ? inner_host_->channel() : links_->channel_to(role);
  }

  Status start_api() {
    if (!has(DaemonRole::kApi)) return {};
    ApiRole::Peers peers{channel_to(DaemonRole::kPomegranate), channel_to(DaemonRole::kGit),
                         channel_to(DaemonRole::kRouter)};
    TRY_ASSIGN(api_,
               ApiRole::create(config_, io_, tasks_, std::move(peers), read_file(fingerprint_file()).value_or("")));
    TRY_ASSIGN(api_host_, links_->host({&api_->gateway()}));
    return {};
  }

  net::Task<void> begin() {
    co_await api_->first_steps();
    if (!api_->outcome()) stop();
  }

  // What the start, a Deployment or a look at all Projects needed, and nobody needs now.
  net::Task<void> give_back_memory() {
    while (true) {
      const Status slept = co_await net::sleep_for(kMemoryEvery);
      if (!slept) co_return;
      auto give_back = [] {
        give_back_freed_memory();
        give_back_code();
        return true;
      };
      co_await aside_.run(std::move(give_back));
    }
  }

  net::Task<void> look_after_certificates() {
    while (true) {
      const Status slept = co_await net::sleep_for(kCertificatesEvery);
      if (!slept) co_return;
      auto renew = [this] { return links_->look_after(SystemClock().now_ms()); };
      const Status done = co_await aside_.run(std::move(renew));
      if (!done) spdlog::error("certificates: {}; {}", done.error().message, done.error().hint);
    }
  }

  void stop() {
    if (std::exchange(stopping_, true)) return;
    asio::co_spawn(io_, wind_up(), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }

  // The API lets go first, then every coroutine is cancelled; the servers with threads of their own are stopped beside
  // the loop, for their last calls end on it. The hosts of gRPC come last (rpc/wind_down.h).
  net::Task<void> wind_up() {
    if (api_) co_await api_->stop();
    tasks_.cancel();
    auto stop_servers = [this] {
      if (git_) git_->stop();
      if (router_) router_->stop();
      return true;
    };
    [[maybe_unused]] bool stopped = co_await aside_.run(std::move(stop_servers));
    std::vector<rpc::Host*> hosts{api_host_.get(), inner_host_.get()};
    co_await rpc::wind_down(tasks_, aside_, std::move(hosts));
    io_.stop();
  }

  const Config& config_;
  std::set<DaemonRole> roles_;
  asio::io_context io_{1};
  net::TaskGroup tasks_;
  std::optional<Links> links_;
  std::unique_ptr<grpc::Service> pomegranate_;
  std::unique_ptr<git::GitServer> git_;
  std::unique_ptr<ingress::Router> router_;
  std::unique_ptr<rpc::Host> inner_host_;
  std::unique_ptr<ApiRole> api_;
  std::unique_ptr<rpc::Host> api_host_;
  net::BlockingPool aside_{1};
  bool stopping_ = false;
};

// Sockets are what the ingress and SSH run out of first.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Status run_daemon(const Config& config, const std::set<DaemonRole>& roles) {
  raise_open_files();
  TRY(prepare_home(config));
  std::vector<HomeLock> locks;
  for (const DaemonRole role : roles) {
    TRY_ASSIGN(HomeLock lock, HomeLock::take(config, role_name(role)));
    locks.push_back(std::move(lock));
  }
  if (roles.size() > 1) {
    TRY_ASSIGN(HomeLock whole, HomeLock::take(config, "paastechd"));
    locks.push_back(std::move(whole));
  }
  Daemon daemon(config, roles);
  return daemon.run(daemon.start());
}

}  // namespace paastech
