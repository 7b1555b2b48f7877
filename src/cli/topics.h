#pragma once
// The topics of `paastech help TOPIC`: help/*.txt, part of the program. Pure.
#include <string_view>
#include <vector>

namespace paastech::cli {

struct Topic {
  std::string_view name;
  std::string_view text;
};
const std::vector<Topic>& topics();
const Topic* topic_named(std::string_view name);  // null: there is none

}  // namespace paastech::cli
