#pragma once
// What the pages that hold a form have in common. Thread: the control-plane loop.
#include <initializer_list>
#include <string>
#include <string_view>

#include "api/route.h"

namespace paastech::api {

// The form once more, with why it was refused above it, where that is about what was typed, which `theirs` says; any
// other error goes its usual way.
Result<Answer> form_again(Error error, std::initializer_list<Code> theirs, std::string_view title,
                          const std::string& form);
// The secret in the address of a page that a mailed link leads to. kInvalidArgument: it was cut off.
Result<std::string> link_secret(const Call& call);

}  // namespace paastech::api
