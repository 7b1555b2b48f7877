#pragma once
// The address of a Service as a user writes it. Pure.
#include <string>
#include <string_view>

#include "base/result.h"

namespace paastech::cli {

struct ServerUrl {
  std::string url;  // http(s)://host[:port][/path], no slash at the end
  bool secure = false;
  bool loopback = false;  // localhost, *.localhost (RFC 6761), 127.0.0.0/8, ::1
};

Result<ServerUrl> parse_server_url(std::string_view text);

}  // namespace paastech::cli
