#include "cli/server_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/text.h"

namespace paastech::cli {
namespace {

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Code::kInvalidArgument, fmt::format("`{}` is not a server address: {}", text, why),
              "write it like https://paas.example.org or http://localhost:8000");
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
  const std::string input(trim(text));
  if (!input.starts_with("http://") && !input.starts_with("https://"))
    return bad(text, "it has no http:// or https://");
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, input.c_str(), 0) != CURLUE_OK)
    return bad(text, "it is malformed");
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
    return bad(text, "a user or password does not belong in it");
  if (!part(url.get(), CURLUPART_QUERY).empty() || !part(url.get(), CURLUPART_FRAGMENT).empty())
    return bad(text, "it has a query or fragment");
  ServerUrl server;
  const std::string host = lower(part(url.get(), CURLUPART_HOST));
  const std::string port = part(url.get(), CURLUPART_PORT);
  std::string path = part(url.get(), CURLUPART_PATH);
  while (path.ends_with('/')) path.pop_back();
  server.secure = part(url.get(), CURLUPART_SCHEME) == "https";
  server.loopback = is_loopback(host);
  server.url =
      fmt::format("{}://{}{}{}{}", server.secure ? "https" : "http", host, port.empty() ? "" : ":", port, path);
  return server;
}

}  // namespace paastech::cli
