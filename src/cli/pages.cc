#include "cli/pages.h"

#include <algorithm>

#include "base/url.h"
#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

Outcome<json::value> all_pages(Http& api, const std::string& path, std::size_t limit) {
  constexpr std::size_t kPage = 100;  // the most the API gives at once
  json::array all;
  std::string cursor;
  do {
    std::string page = path + (path.find('?') == std::string::npos ? "?" : "&");
    page += "limit=" + std::to_string(std::min(kPage, limit - all.size()));
    if (!cursor.empty()) page += "&cursor=" + percent_encoded(cursor);
    TRY_ASSIGN(const json::value answer, api.call("GET", page));
    for (const json::value& item : array_of(answer)) all.push_back(item);
    cursor = text_of(answer, "next");
  } while (!cursor.empty() && all.size() < limit);
  return json::object{{"items", std::move(all)}};
}

}  // namespace paastech::cli
