#include "cli/topics.h"

namespace paastech::embedded {
std::string_view help_getting_started();
std::string_view help_deploy();
std::string_view help_environment();
std::string_view help_processes();
std::string_view help_logs();
std::string_view help_tokens();
std::string_view help_members();
std::string_view help_two_factor();
std::string_view help_exit_codes();
}  // namespace paastech::embedded

namespace paastech::cli {

const std::vector<Topic>& topics() {
  static const std::vector<Topic> all{
      {"getting-started", embedded::help_getting_started()},
      {"deploy", embedded::help_deploy()},
      {"environment", embedded::help_environment()},
      {"processes", embedded::help_processes()},
      {"logs", embedded::help_logs()},
      {"tokens", embedded::help_tokens()},
      {"members", embedded::help_members()},
      {"two-factor", embedded::help_two_factor()},
      {"exit-codes", embedded::help_exit_codes()},
  };
  return all;
}

const Topic* topic_named(std::string_view name) {
  for (const Topic& topic : topics())
    if (topic.name == name) return &topic;
  return nullptr;
}

}  // namespace paastech::cli
