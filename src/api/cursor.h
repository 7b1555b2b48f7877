#pragma once
// Where the next page of a list begins: opaque text for `next` and `?cursor=`. It hides no secret and gives no right: a
// list must hold whatever key comes back to the asker's own rows. Pure.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::api {

// key: the order value of the last item that was answered, such as a name, or "TIME/ID". base64url without padding of a
// version, a check sum and the key, so that a changed or cut cursor is refused.
std::string make_cursor(std::string_view key);
// The key. kInvalidArgument: not made by make_cursor() of this version.
Result<std::string> read_cursor(std::string_view text);

}  // namespace paastech::api
