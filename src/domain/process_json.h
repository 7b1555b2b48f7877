#pragma once
// A Deployment's process list as the JSON that its row keeps (store/deployments.h). Pure; thread: any.
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/process.h"

namespace paastech {

std::string process_list_to_json(const ProcessList& list);
// Unknown members are left out, missing ones take the default: a row may be older or newer than the program. "{}" is
// `web` alone; rows of before 0004_processes.sql hold a map of name → process. kInternal: the row is damaged.
Result<ProcessList> process_list_from_json(std::string_view text);

std::string_view to_text(Strategy strategy);  // "blue-green"
Result<Strategy> strategy_from(std::string_view text);

}  // namespace paastech
