#pragma once
// From a Deployment's record to what the Engine is asked to run. Pure but for opening the sealed environment.
#include "controller/ports.h"
#include "domain/plan.h"
#include "store/deployments.h"
#include "store/projects.h"

namespace paastech::controller {

// row: the Deployment whose Instances they are: its image, port and environment. kInternal: the row is damaged.
Result<engine::InstanceGroup> instance_group(const SecretBox& secrets, const store::ProjectRow& project,
                                             const store::DeploymentRow& row, const std::string& name,
                                             const Process& process);
Result<engine::RunOnceRequest> release_run(const SecretBox& secrets, const store::ProjectRow& project,
                                           const store::DeploymentRow& row, const ReleaseCommand& release);
engine::ProbeRequest liveness_probe(const std::string& project, const InstanceName& name, const Probe& probe);
engine::InstanceRequest instance_request(const std::string& project, const InstanceName& name);
ObservedInstance observed_from(const engine::Instance& instance);
std::vector<ObservedInstance> observed_from(const std::vector<engine::Instance>& instances);
// Those of what should not be that have an address: to be drained.
std::vector<router::Backend> leaving_backends(const std::set<Surplus>& surplus,
                                              const std::vector<ObservedInstance>& observed);
// Whether it is among those that are to be removed, of one Project (proto/pomegranate.proto).
bool asked_for(const engine::RemoveGroupRequest& which, const engine::Instance& instance);
std::chrono::seconds drain_time(const ProcessList& list);  // of `web`
// Of what such a Deployment runs; the default where there is none, or its list does not read.
std::chrono::seconds drain_time(const std::optional<store::DeploymentRow>& row);

// The environment of a Deployment as its row keeps it: sealed JSON, bound to Project and number.
Result<std::string> open_environment(const SecretBox& secrets, const store::DeploymentRow& row);
std::string seal_environment(const SecretBox& secrets, const std::string& plain, const std::string& project_id,
                             std::int64_t number);
// Whether the programs of both find the same variables of the Project.
Result<bool> same_environment(const SecretBox& secrets, const store::DeploymentRow& one,
                              const store::DeploymentRow& other);

// What a Deployment runs, but for its environment.
void copy_image(const store::DeploymentRow& from, store::DeploymentRow& to);
// Processes of the same size as before go on with the Instances that `before` runs.
void adopt_groups(ProcessList& list, const ProcessList& before, std::int64_t before_number);
// Once they were adopted: whether a Process has Instances of `before` that new ones take the place of.
bool replaces_instances(const ProcessList& list, const ProcessList& before);

}  // namespace paastech::controller
