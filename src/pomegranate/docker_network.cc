// Networks, and what is set up beside the Engine for them.
#include "docker/containers.h"
#include "docker/system.h"
#include "pomegranate/docker_engine.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

namespace {

constexpr int kSubnetAttempts = 64;  // each takes another free subnet; another Docker on this machine may hold some
constexpr int kRemovalAttempts = 20;
constexpr auto kRemovalPause = 250ms;    // between them: a killed container takes moments to let go of its network
constexpr auto kFirewallInterval = 60s;  // somebody may have flushed the rules
constexpr auto kEngineRetry = 2s;

// Threat 20: whichever registry a manifest is from, it may name addresses for its layers, which such an Engine asks.
void warn_of_store(const docker::SystemInfo& engine) {
  if (!engine.containerd_store || engine.proxied) return;
  spdlog::warn(
      "the Docker Engine keeps its images in containerd's store, which fetches layers from whatever addresses an image "
      "names, also in this machine's network; turn that store off (features.containerd-snapshotter in its "
      "daemon.json), "
      "or give dockerd a proxy that denies these (HTTP_PROXY and HTTPS_PROXY, without NO_PROXY)");
}

}  // namespace

// Where the network exists this is one quick question; a new one gets a free subnet of the pool.
net::Task<Status> DockerEngine::ensure_network(std::string name, std::string project) {
  const auto there = co_await docker::inspect_network(client_, name);
  if (there) {
    if (firewall_generation_ == client_->generation()) co_return Status{};
    Status closed = co_await ensure_firewall();
    co_return closed;
  }
  if (there.error().code != Code::kNotFound) co_return std::unexpected(there.error());
  CO_TRY(co_await ensure_firewall());
  const std::vector<std::string> any_label;
  CO_TRY_ASSIGN(const auto networks, co_await docker::list_networks(client_, any_label));
  std::vector<Subnet> taken = host_routes();
  const auto take = [&taken](const std::string& text) {
    if (const Result<Subnet> subnet = parse_subnet(text)) taken.push_back(*subnet);
  };
  for (const docker::NetworkSummary& network : networks)
    for (const std::string& subnet : network.subnets) take(subnet);
  for (const auto& [other, subnet] : networks_made_) take(subnet);
  docker::NetworkSpec spec;
  spec.name = name;
  spec.bridge = bridge_name(options_.instance, name);
  spec.labels[std::string(kLabelInstance)] = options_.instance;
  spec.labels[std::string(kLabelKind)] = "network";
  spec.labels[std::string(kLabelProject)] = project;
  for (int attempt = 0; attempt < kSubnetAttempts; ++attempt) {
    const std::optional<Subnet> subnet = pool_.choose(name, taken);
    if (!subnet)
      co_return fail(Code::kResourceExhausted, "no subnet of the pool " + options_.subnet_pool + " is free",
                     "give the Service a larger pool");
    spec.subnet = subnet->text();
    networks_made_[name] = spec.subnet;
    const auto made = co_await docker::create_network(client_, spec);
    networks_made_.erase(name);
    if (made || made.error().code == Code::kAlreadyExists) co_return Status{};
    if (made.error().code == Code::kAborted) {
      const auto by_another = co_await docker::inspect_network(client_, name);
      if (by_another) co_return Status{};
      spec.bridge = bridge_name(options_.instance, name + "/" + std::to_string(attempt));
      continue;
    }
    if (made.error().code != Code::kResourceExhausted) co_return std::unexpected(made.error());
    taken.push_back(*subnet);
  }
  co_return fail(Code::kResourceExhausted,
                 "every subnet tried of the pool " + options_.subnet_pool + " overlaps with a network of this machine",
                 "give the Service a pool of its own");
}

// What is still attached to a Project's own network is the Project's: the container of a build that was cancelled a
// moment ago, which the Engine's builder is about to remove too.
net::Task<Result<bool>> DockerEngine::remove_network_and_attached(std::string name) {
  Error last;
  for (int attempt = 0; attempt < kRemovalAttempts; ++attempt) {
    const auto there = co_await docker::inspect_network(client_, name);
    if (!there && there.error().code == Code::kNotFound) co_return attempt > 0;
    if (!there) co_return std::unexpected(there.error());
    for (const std::string& id : there->containers) {
      const Status removed = co_await docker::remove_container(client_, id);
      if (!removed) spdlog::debug("removing what is attached to {}: {}", name, removed.error().message);
    }
    const Status removed = co_await docker::remove_network(client_, name);
    if (removed) co_return true;
    last = removed.error();
    CO_TRY(co_await net::sleep_for(kRemovalPause));
  }
  co_return std::unexpected(std::move(last));
}

// A machine where the rules cannot be made still serves, with a loud warning; Describe tells, too.
net::Task<Status> DockerEngine::ensure_firewall() {
  const std::uint64_t generation = client_->generation();
  if (!options_.firewall) {
    firewall_state_ = "off: switched off in the configuration";
    firewall_generation_ = generation;
    co_return Status{};
  }
  const Firewall firewall = firewall_;
  auto work = [firewall] { return firewall.ensure(); };
  const Status done = co_await blocking_.run(std::move(work));
  const std::string state = done ? "on" : "off: " + done.error().message;
  if (state != firewall_state_ && !done)
    spdlog::warn("THE FIREWALL IS OFF: Applications and builds can reach this machine's own services. {}. {}",
                 done.error().message, done.error().hint);
  if (state != firewall_state_ && done) spdlog::info("firewall: the host is closed to {}", pool_.whole().text());
  firewall_state_ = state;
  firewall_generation_ = generation;
  co_return Status{};
}

net::Task<void> DockerEngine::tend() {
  bool complained = false;
  bool warned = false;
  while (true) {
    const auto info = co_await docker::system_info(client_);
    if (!info) {
      if (!std::exchange(complained, true)) spdlog::warn("{}; {}", info.error().message, info.error().hint);
      [[maybe_unused]] const Status slept = co_await net::sleep_for(kEngineRetry);
      continue;
    }
    if (complained) spdlog::info("the Docker Engine answers again");
    complained = false;
    const std::uint64_t generation = client_->generation();
    if (!std::exchange(warned, true)) warn_of_store(*info);
    [[maybe_unused]] const Status closed = co_await ensure_firewall();
    if (swept_generation_ != generation) {
      const Status swept = co_await remove_forsaken();
      if (swept) swept_generation_ = generation;
      if (!swept) spdlog::warn("looking for what a killed build left: {}", swept.error().message);
    }
    [[maybe_unused]] const Status slept = co_await net::sleep_for(kFirewallInterval);
  }
}

net::Task<Result<std::string>> DockerEngine::runtime_for(std::string isolation) {
  if (isolation.empty() || isolation == "container") co_return std::string();
  std::vector<std::string> names;
  if (isolation == "sandbox") names = {"runsc"};
  if (isolation == "microvm") names = {"kata-runtime", "kata", "io.containerd.kata.v2"};
  if (names.empty())
    co_return fail(Code::kInvalidArgument, "there is no isolation named '" + isolation + "'",
                   "use container, sandbox or microvm");
  CO_TRY_ASSIGN(const docker::SystemInfo info, co_await docker::system_info(client_));
  for (const std::string& name : names)
    if (std::ranges::find(info.runtimes, name) != info.runtimes.end()) co_return name;
  co_return fail(Code::kFailedPrecondition,
                 "this Service cannot isolate by " + isolation + ": its Engine has no runtime " + names.front(),
                 "ask the administrator to install it, or choose another isolation");
}

}  // namespace paastech::pomegranate
