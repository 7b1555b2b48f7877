#include "controller/groups.h"

#include <boost/json.hpp>

#include "controller/routes.h"
#include "domain/process_json.h"
#include "domain/quota.h"

namespace paastech::controller {
namespace {

std::string context_of(const std::string& project_id, std::int64_t number) {
  return "deployment/" + project_id + "/" + std::to_string(number);
}

void set_probe(const Probe& probe, engine::Probe& out) {
  out.set_attempt_seconds(probe.timeout_s);
  if (probe.kind == Probe::Kind::kHttp) {
    out.set_http_path(probe.path);
    out.set_host(probe.host);
    out.set_status_low(probe.status_low);
    out.set_status_high(probe.status_high);
  }
  if (probe.kind == Probe::Kind::kCommand)
    for (const std::string& word : probe.command) out.add_command(word);
}

void set_limits(const Process& process, engine::Limits& out) {
  out.set_memory_bytes(memory_of(process));
  out.set_milli_cpus(milli_cpus_of(process));
}

using Variables = google::protobuf::RepeatedPtrField<engine::EnvironmentVariable>;

// A Client may name another PORT for its program's own use only through paastech.yaml: the platform's value wins.
Status add_environment(const SecretBox& secrets, const store::ProjectRow& project, const store::DeploymentRow& row,
                       const std::string& process, Variables& out) {
  TRY_ASSIGN(const std::string plain, open_environment(secrets, row));
  auto add = [&out](std::string_view name, std::string_view value) {
    engine::EnvironmentVariable& variable = *out.Add();
    variable.set_name(std::string(name));
    variable.set_value(std::string(value));
  };
  const boost::json::value parsed = boost::json::parse(plain);
  for (const auto& [name, value] : parsed.as_object())
    if (name != "PORT" || process != "web") add(name, value.as_string());
  if (process == "web") add("PORT", std::to_string(row.port));
  add("PAASTECH_PROJECT", project.name);
  add("PAASTECH_DEPLOYMENT", std::to_string(row.number));
  add("PAASTECH_PROCESS", process);
  if (!row.commit.empty()) add("PAASTECH_COMMIT", row.commit);
  return {};
}

}  // namespace

Result<std::string> open_environment(const SecretBox& secrets, const store::DeploymentRow& row) {
  if (row.environment.empty())
    return fail(Code::kFailedPrecondition,
                fmt::format("the environment of deployment {} was removed, for only those of the last few are kept",
                            row.number),
                "go back to a later one: paastech deployments list shows them");
  return secrets.open(row.environment, context_of(row.project_id, row.number));
}

std::string seal_environment(const SecretBox& secrets, const std::string& plain, const std::string& project_id,
                             std::int64_t number) {
  return secrets.seal(plain, context_of(project_id, number));
}

// As values: a text could be another by the order of its names.
Result<bool> same_environment(const SecretBox& secrets, const store::DeploymentRow& one,
                              const store::DeploymentRow& other) {
  TRY_ASSIGN(const std::string of_one, open_environment(secrets, one));
  TRY_ASSIGN(const std::string of_other, open_environment(secrets, other));
  return of_one == of_other || boost::json::parse(of_one) == boost::json::parse(of_other);
}

Result<engine::InstanceGroup> instance_group(const SecretBox& secrets, const store::ProjectRow& project,
                                             const store::DeploymentRow& row, const std::string& name,
                                             const Process& process) {
  engine::InstanceGroup group;
  group.set_project(project.id);
  group.set_project_name(project.name);
  group.set_deployment(row.number);
  group.set_process(name);
  group.set_count(process.count);
  group.set_image(row.image);
  set_limits(process, *group.mutable_limits());
  for (const std::string& word : process.command) group.add_command(word);
  const bool web = name == "web";
  if (web) group.set_port(row.port);
  if (process.readiness) set_probe(*process.readiness, *group.mutable_probe());
  if (process.readiness) {
    group.mutable_probe()->set_interval_seconds(process.readiness->interval_s);
    group.mutable_probe()->set_successes(process.readiness->successes);
  }
  if (web || process.readiness) group.mutable_probe()->set_timeout_seconds(process.ready_timeout_s);
  group.set_stop_signal(process.stop_signal);
  group.set_stop_grace_seconds(process.stop_grace_s);
  TRY(add_environment(secrets, project, row, name, *group.mutable_environment()));
  return group;
}

Result<engine::RunOnceRequest> release_run(const SecretBox& secrets, const store::ProjectRow& project,
                                           const store::DeploymentRow& row, const ReleaseCommand& release) {
  engine::RunOnceRequest run;
  run.set_project(project.id);
  run.set_deployment(row.number);
  run.set_image(row.image);
  for (const std::string& word : release.command) run.add_command(word);
  run.set_timeout_seconds(release.timeout_s);
  set_limits({}, *run.mutable_limits());
  TRY(add_environment(secrets, project, row, "release", *run.mutable_environment()));
  return run;
}

engine::InstanceRequest instance_request(const std::string& project, const InstanceName& name) {
  engine::InstanceRequest request;
  request.set_project(project);
  request.set_deployment(name.deployment);
  request.set_process(name.process);
  request.set_index(name.index);
  return request;
}

engine::ProbeRequest liveness_probe(const std::string& project, const InstanceName& name, const Probe& probe) {
  engine::ProbeRequest request;
  *request.mutable_instance() = instance_request(project, name);
  set_probe(probe, *request.mutable_probe());
  request.mutable_probe()->set_timeout_seconds(probe.timeout_s);
  return request;
}

ObservedInstance observed_from(const engine::Instance& instance) {
  return {instance.project(), instance.deployment(), instance.process(), instance.index(),
          instance.state(),   instance.address(),    instance.port(),    instance.kept()};
}

std::vector<ObservedInstance> observed_from(const std::vector<engine::Instance>& instances) {
  std::vector<ObservedInstance> observed;
  observed.reserve(instances.size());
  for (const engine::Instance& instance : instances) observed.push_back(observed_from(instance));
  return observed;
}

std::vector<router::Backend> leaving_backends(const std::set<Surplus>& surplus,
                                              const std::vector<ObservedInstance>& observed) {
  std::vector<router::Backend> leaving;
  for (const ObservedInstance& instance : observed) {
    const auto goes = [&](const Surplus& one) { return is_surplus(one, instance); };
    if (!instance.address.empty() && std::ranges::any_of(surplus, goes))
      leaving.push_back(backend_of(instance.address, instance.port, instance.deployment));
  }
  return leaving;
}

bool asked_for(const engine::RemoveGroupRequest& which, const engine::Instance& instance) {
  const bool listed = which.index_size() == 0 || std::ranges::count(which.index(), instance.index()) > 0;
  return (which.deployment() == 0 || which.deployment() == instance.deployment()) &&
         (which.process().empty() || which.process() == instance.process()) && listed &&
         instance.index() >= which.from_index();
}

std::chrono::seconds drain_time(const ProcessList& list) {
  const auto web = list.processes.find("web");
  return std::chrono::seconds(web == list.processes.end() ? Process().drain_s : web->second.drain_s);
}

std::chrono::seconds drain_time(const std::optional<store::DeploymentRow>& row) {
  const Result<ProcessList> list = row ? process_list_from_json(row->processes) : ProcessList();
  return drain_time(list ? *list : ProcessList());
}

void copy_image(const store::DeploymentRow& from, store::DeploymentRow& to) {
  to.commit = from.commit;
  to.commit_subject = from.commit_subject;
  to.image = from.image;
  to.port = from.port;
  to.processes = from.processes;
}

void adopt_groups(ProcessList& list, const ProcessList& before, std::int64_t before_number) {
  for (auto& [name, process] : list.processes) {
    const auto found = before.processes.find(name);
    if (found == before.processes.end()) continue;
    const Process& old = found->second;
    if (old.memory_bytes != process.memory_bytes || old.milli_cpus != process.milli_cpus) continue;
    process.group = group_of(before_number, name, old).deployment;
  }
}

bool replaces_instances(const ProcessList& list, const ProcessList& before) {
  return std::ranges::any_of(list.processes, [&before](const auto& each) {
    const auto& [name, process] = each;
    const auto old = before.processes.find(name);
    return process.group == 0 && process.count > 0 && old != before.processes.end() && old->second.count > 0;
  });
}

}  // namespace paastech::controller
