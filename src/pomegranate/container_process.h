#pragma once
// Ends a process of a container from outside, by the kernel, for the Engine has no call for it (docker/exec.h). It
// works where the Engine's processes can be seen and signalled from here, and changes nothing where they cannot.
#include <cstdint>
#include <string_view>

namespace paastech::pomegranate {

// Whether the text of /proc/PID/cgroup is that of a process of the container. Pure.
bool is_of_container(std::string_view cgroups, std::string_view container);
// Kills the process, and all of the group that it leads, if it is the container's; says whether it did.
bool kill_container_process(std::int64_t process, std::string_view container);

}  // namespace paastech::pomegranate
