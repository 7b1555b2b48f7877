#include "paastechd/api_role.h"

#include "api/account_removal.h"
#include "api/audit.h"
#include "api/bootstrap.h"
#include "api/context.h"
#include "api/contract/contract.h"
#include "api/gateway.h"
#include "api/http_api.h"
#include "api/mail_queue.h"
#include "controller/deployment_controller.h"
#include "controller/grpc_ports.h"
#include "controller/grpc_reports.h"
#include "controller/log_gatherer.h"
#include "controller/metrics_collector.h"
#include "net/http_server.h"
#include "paastechd/database.h"
#include "paastechd/keys.h"
#include "paastechd/mail.h"

namespace paastech {
namespace {

constexpr std::size_t kWriters = 1;           // as many as the database lets write at once (store/database.h)
constexpr std::size_t kConnections = 16'384;  // of the API; thousands may follow logs
constexpr std::size_t kHashingThreads = 2;    // 64 MiB each while they hash (base/secret.h)

PublicAddress public_address(const Config& config) {
  PublicAddress address;
  address.fqdn = config.fqdn;
  address.http_scheme = config.public_scheme;
  address.http_port = config.public_port != 0 ? config.public_port : config.http_port;
  address.ssh_host = config.ssh_host;
  address.ssh_port = config.ssh_port;
  address.api_url = config.api_url;
  return address;
}

controller::ControllerOptions controller_options(const Config& config) {
  controller::ControllerOptions options;
  options.builds = config.builds;
  options.builds_per_client = config.builds_per_client;
  options.build_cache_bytes = config.build_cache_bytes;
  options.disk_collect_percent = config.disk_collect_percent;
  options.disk_refuse_percent = config.disk_refuse_percent;
  options.build_timeout_s = config.build_timeout_s;
  options.build_memory_bytes = config.build_memory_bytes;
  return options;
}

logs::LogLimits log_limits(const Config& config) {
  logs::LogLimits limits;
  limits.project_bytes = static_cast<std::uint64_t>(config.log_keep_bytes);
  limits.age_ms = config.log_keep_days * 24LL * 3'600'000;
  return limits;
}

api::AccountOptions account_options(const Config& config) {
  api::AccountOptions options;
  if (config.sign_up == "open") options.sign_up = api::SignUp::kOpen;
  if (config.sign_up == "closed") options.sign_up = api::SignUp::kClosed;
  options.administrators_need_second_factor = config.administrators_need_second_factor;
  return options;
}

api::RequestRates request_rates(const Config& config) {
  return {config.api_reads_per_minute, config.api_changes_per_minute, config.api_anonymous_per_minute};
}

}  // namespace

struct ApiRole::State {
  State(const Config& c, net::asio::io_context& loop, net::TaskGroup& group, Peers peers, SecretBox box,
        std::unique_ptr<store::Database> opened, const std::optional<mail::SmtpOptions>& smtp, std::string fingerprint)
      : config(c),
        io(loop),
        tasks(group),
        reads(opened->readers()),
        database(std::move(opened)),
        secrets(std::move(box)),
        log(c.home),
        lines(c.home, log_limits(c)),
        book(tasks, lines, clock),
        access(*database, writes, reads),
        mails(smtp ? mail_queue(*smtp) : nullptr),
        pomegranate(pomegranate::v1::Pomegranate::NewStub(peers.pomegranate)),
        repositories(repositories::v1::Repositories::NewStub(peers.git)),
        router(router::v1::Router::NewStub(peers.router)),
        engine_reports(*pomegranate),
        ingress_reports(*router),
        gatherer(tasks, *pomegranate, book),
        metrics(tasks, {engine_reports, {&ingress_reports}, access, clock}, metrics::History(c.home)),
        engine_port(*pomegranate, *repositories, tasks),
        repositories_port(*repositories),
        ingress_port(*router),
        controller(tasks,
                   {access,
                    engine_port,
                    repositories_port,
                    {&ingress_port},
                    secrets,
                    log,
                    clock,
                    public_address(c),
                    &gatherer},
                   controller_options(c)),
        context{tasks,
                access,
                controller,
                engine_reports,
                secrets,
                hashing,
                clock,
                log,
                book,
                public_address(c),
                {PAASTECH_VERSION, std::move(fingerprint), c.home.string()},
                {&ingress_reports},
                account_options(c),
                CidrList::parse(c.api_trusted_proxy).value_or(CidrList()),
                mails.get(),
                &metrics,
                request_rates(c)},
        http(context),
        gateway(api::make_gateway(tasks, context)) {}

  std::unique_ptr<api::MailQueue> mail_queue(const mail::SmtpOptions& smtp) {
    auto send = [smtp](const mail::Message& message, const std::atomic<bool>& stop) {
      return mail::send(smtp, message, &stop);
    };
    return std::make_unique<api::MailQueue>(tasks, access, secrets, clock, std::move(send));
  }

  net::Task<void> handle(net::ServerRequest request, net::ResponseWriter& writer) {
    co_await http.handle(std::move(request), writer);
  }

  const Config& config;
  net::asio::io_context& io;
  net::TaskGroup& tasks;
  net::BlockingPool writes{kWriters};
  net::BlockingPool reads;
  net::BlockingPool hashing{kHashingThreads};
  std::unique_ptr<store::Database> database;
  SecretBox secrets;
  SystemClock clock;
  logs::DeploymentLog log;
  logs::LogStore lines;
  controller::LogBook book;
  controller::DatabaseAccess access;
  std::unique_ptr<api::MailQueue> mails;  // null: no mail server is configured
  std::unique_ptr<pomegranate::v1::Pomegranate::Stub> pomegranate;
  std::unique_ptr<repositories::v1::Repositories::Stub> repositories;
  std::unique_ptr<router::v1::Router::Stub> router;
  controller::GrpcEngineReports engine_reports;
  controller::GrpcIngressReports ingress_reports;
  controller::LogGatherer gatherer;
  controller::MetricsCollector metrics;
  controller::GrpcEngine engine_port;
  controller::GrpcRepositories repositories_port;
  controller::GrpcIngress ingress_port;
  controller::DeploymentController controller;
  api::Context context;
  api::HttpApi http;
  std::unique_ptr<grpc::Service> gateway;
  std::unique_ptr<net::HttpServer> server;
  Status outcome;
};

ApiRole::ApiRole(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiRole::~ApiRole() = default;

Result<std::unique_ptr<ApiRole>> ApiRole::create(const Config& config, net::asio::io_context& io, net::TaskGroup& tasks,
                                                 Peers peers, std::string ssh_fingerprint) {
  TRY(api::contract_agrees());
  TRY_ASSIGN(std::unique_ptr<store::Database> database, open_database(config));
  TRY_ASSIGN(SecretBox secrets, open_secrets(config, *database));
  TRY_ASSIGN(const std::optional<mail::SmtpOptions> smtp, open_mail(config));
  return std::unique_ptr<ApiRole>(new ApiRole(std::make_unique<State>(
      config, io, tasks, std::move(peers), std::move(secrets), std::move(database), smtp, std::move(ssh_fingerprint))));
}

grpc::Service& ApiRole::gateway() { return *state_->gateway; }

Status ApiRole::listen() {
  State* state = state_.get();
  net::HttpServerLimits limits;
  limits.connections = kConnections;
  state->server = std::make_unique<net::HttpServer>(
      state->io.get_executor(),
      [state](net::ServerRequest request, net::ResponseWriter& writer) {
        return state->handle(std::move(request), writer);
      },
      limits);
  TRY_ASSIGN(const std::uint16_t port,
             state->server->listen(state->config.api_address, static_cast<std::uint16_t>(state->config.api_port)));
  spdlog::info("api: http on {}:{}", state->config.api_address, port);
  return {};
}

net::Task<void> ApiRole::first_steps() {
  State& state = *state_;
  state.outcome =
      co_await api::ensure_administrator(state.context, state.config.admin_email, state.config.home / "admin-password");
  if (state.outcome) state.outcome = listen();
  if (!state.outcome) co_return;
  state.controller.start();
  state.gatherer.start();
  state.metrics.start();
  state.tasks.spawn("accounts", api::keep_accounts(state.context));
  if (state.mails) state.mails->start();
  state.tasks.spawn("audit sweep", api::sweep_audit(state.context, state.config.audit_keep_days));
}

const Status& ApiRole::outcome() const { return state_->outcome; }

net::Task<void> ApiRole::stop() {
  if (state_->mails) state_->mails->stop();
  if (state_->server) co_await state_->server->stop();
}

}  // namespace paastech
