// Single Instances and the end of groups: found by their names, held, started, stopped, removed.
#include "base/failpoint.h"
#include "pomegranate/docker_engine.h"
#include "pomegranate/group_start.h"
#include "pomegranate/parallel.h"

namespace paastech::pomegranate {

using namespace std::chrono_literals;

InstanceKey key_of(const v1::InstanceRequest& request) {
  return {request.project(), request.deployment(), request.process(), request.index()};
}

namespace {

// Fine where it is gone, or just going.
Status unless_gone(Status status) {
  if (status || status.error().code == Code::kNotFound || status.error().code == Code::kAborted) return {};
  return status;
}

bool is_asked_for(const v1::RemoveGroupRequest& request, int index) {
  const auto& only = request.index();
  return index >= request.from_index() && (only.empty() || std::ranges::find(only, index) != only.end());
}

}  // namespace

net::Task<Result<docker::ContainerDetails>> DockerEngine::instance_details(v1::InstanceRequest request) {
  CO_TRY(check_project(request.project()));
  CO_TRY(check_process(request.process()));
  const InstanceKey key = key_of(request);
  auto details = co_await docker::inspect_container(client_, container_name(options_.instance, key));
  const bool missing = !details && details.error().code == Code::kNotFound;
  const bool foreign = details && trusted_key(options_.instance, details->name, details->labels) != key;
  if (missing || foreign)
    co_return fail(Code::kNotFound, fmt::format("{} of deployment {} is not there", short_name(key), key.deployment));
  co_return details;
}

net::Task<Result<v1::InstanceReply>> DockerEngine::instance_reply(v1::InstanceRequest request) {
  CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await instance_details(request));
  v1::InstanceReply reply;
  *reply.mutable_instance() = to_instance(details, key_of(request));
  co_return reply;
}

net::Task<Result<v1::InstanceReply>> DockerEngine::hold_instance(v1::InstanceRequest request) {
  CO_TRY_ASSIGN(const docker::ContainerDetails before, co_await instance_details(request));
  CO_TRY(co_await hold(before.id));
  // A restart that the Engine has decided on is not undone by that, but by a stop.
  CO_TRY_ASSIGN(const docker::ContainerDetails now, co_await instance_details(request));
  if (now.state == "restarting") {
    CO_TRY(co_await docker::stop_container(client_, now.id, now.stop_seconds));
  }
  Result<v1::InstanceReply> reply = co_await instance_reply(request);
  co_return reply;
}

net::Task<Result<v1::InstanceReply>> DockerEngine::start_instance(v1::StartInstanceRequest request) {
  CO_TRY_ASSIGN(const docker::ContainerDetails before, co_await instance_details(request.instance()));
  // Before it starts, or one that ends at once would stay down.
  if (request.keep()) {
    CO_TRY(co_await docker::set_restart_policy(client_, before.id, "unless-stopped"));
  }
  const Status started = co_await docker::start_container(client_, before.id);
  if (!started) {
    if (request.keep()) {
      const Status undone = co_await docker::set_restart_policy(client_, before.id, "no");
      CO_TRY(unless_gone(undone));
    }
    if (!is_client_fault(started.error().message)) co_return std::unexpected(started.error());
    co_return fail(Code::kFailedPrecondition,
                   fmt::format("the command of {} cannot be started: {}", short_name(key_of(request.instance())),
                               started.error().message),
                   "check CMD and ENTRYPOINT of the Dockerfile");
  }
  Result<v1::InstanceReply> reply = co_await instance_reply(request.instance());
  co_return reply;
}

net::Task<Result<v1::InstanceReply>> DockerEngine::stop_instance(v1::InstanceRequest request) {
  CO_TRY_ASSIGN(const docker::ContainerDetails before, co_await instance_details(request));
  CO_TRY(co_await hold_and_stop(before.id, 0));
  Result<v1::InstanceReply> reply = co_await instance_reply(request);
  co_return reply;
}

net::Task<Status> DockerEngine::stop(std::string id, int grace_seconds) {
  if (grace_seconds <= 0) {
    CO_TRY_ASSIGN(const docker::ContainerDetails details, co_await docker::inspect_container(client_, id));
    grace_seconds = details.stop_seconds;
  }
  Status stopped = co_await docker::stop_container(client_, id, grace_seconds);
  co_return stopped;
}

net::Task<Status> DockerEngine::hold(std::string id) {
  while (being_kept_.contains(id)) co_await kept_.wait(1s);
  Status held = co_await docker::set_restart_policy(client_, std::move(id), "no");
  co_return held;
}

net::Task<Status> DockerEngine::hold_and_stop(std::string id, int grace_seconds) {
  const Status held = co_await hold(id);
  CO_TRY(unless_gone(held));
  const Status stopped = co_await stop(id, grace_seconds);
  co_return unless_gone(stopped);
}

net::Task<Status> DockerEngine::stop_and_remove(std::string id, int grace_seconds) {
  const Status stopped = co_await stop(id, grace_seconds);
  if (!stopped && stopped.error().code == Code::kUnavailable) co_return stopped;
  PAASTECH_FAILPOINT("engine.stopped");
  Status removed = co_await docker::remove_container(client_, id);  // kills what did not stop
  co_return removed;
}

net::Task<Result<v1::RemoveGroupReply>> DockerEngine::remove_group(v1::RemoveGroupRequest request) {
  CO_TRY(check_project(request.project()));
  if (!request.process().empty()) {
    CO_TRY(check_process(request.process()));
  }
  CO_TRY_ASSIGN(std::vector<Known> containers,
                co_await known(request.project(), request.deployment(), request.process()));
  std::erase_if(containers, [&request](const Known& one) { return !is_asked_for(request, one.key.index); });
  std::vector<net::Task<Status>> work;
  work.reserve(containers.size());
  for (const Known& container : containers)
    work.push_back(request.only_stop() ? hold_and_stop(container.id, request.grace_seconds())
                                       : stop_and_remove(container.id, request.grace_seconds()));
  // All at once, for each may take its whole grace.
  const std::size_t all = work.size();
  const std::vector<Status> outcomes = co_await run_all(tasks_, std::move(work), all);
  for (const Status& outcome : outcomes) {
    CO_TRY(outcome);
  }
  v1::RemoveGroupReply reply;
  reply.set_removed(static_cast<int>(containers.size()));
  co_return reply;
}

}  // namespace paastech::pomegranate
