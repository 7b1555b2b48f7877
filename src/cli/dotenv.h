#pragma once
// Files of environment variables (.env). Pure.
//   # comment          NAME=value # comment       export NAME=value
//   NAME='as it is'    NAME="with \n \t \r \\ \" \$ \`"      both kinds of quotes may hold line breaks
// Nothing is expanded: a $ is a $. A name given twice has its last value.
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::cli {

Result<std::map<std::string, std::string>> parse_dotenv(std::string_view text);  // failures begin with "line N:"

}  // namespace paastech::cli
