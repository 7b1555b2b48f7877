#pragma once
// Lists of the API that come in pages, read whole.
#include "cli/http.h"
#include "cli/outcome.h"

namespace paastech::cli {

// {"items":[…]} of all pages of `path`, which has no query yet or one of its own; at most `limit` items. A Service that
// knows no pages answers all at once.
Outcome<boost::json::value> all_pages(Http& api, const std::string& path, std::size_t limit = 100'000);

}  // namespace paastech::cli
