#pragma once
// Versions of what can be changed, for GET and PATCH (RFC 9110 sections 8.8.3 and 13.1). Pure.
#include <cstdint>
#include <string>
#include <string_view>

#include "api/route.h"

namespace paastech::api {

// form: which of several representations of the version it is; empty: the plain one. "\"7\"", "\"7-values\"".
std::string etag(std::int64_t version, std::string_view form = {});

// kFailedPrecondition (412) where the request names versions by If-Match and none of them, in whatever form, is this.
Status check_if_match(const net::Headers& headers, std::int64_t version);
// Whether the asker has this already (If-None-Match): answer 304.
bool has_already(const net::Headers& headers, std::string_view tag);
net::HttpResponse not_modified(std::string_view tag);

}  // namespace paastech::api
