#pragma once
// Files that are part of the program (cmake/Embed.cmake). Thread: safe from any.
#include <string_view>

namespace paastech::embedded {

std::string_view openapi();        // api/openapi.yaml
std::string_view viewer_start();   // web/docs-viewer/start.js
std::string_view viewer_script();  // swagger-ui-dist/swagger-ui-bundle.js, gzip
std::string_view viewer_style();   // swagger-ui-dist/swagger-ui.css, gzip

}  // namespace paastech::embedded
