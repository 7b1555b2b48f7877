#pragma once
// Files that are part of the program (cmake/Embed.cmake). Thread: safe from any.
#include <string_view>

namespace paastech::embedded {

std::string_view openapi();  // api/openapi.yaml
// Only the program of the fault tests (paastechd_faults) has it: what to take instead; empty: nothing.
__attribute__((weak)) std::string_view other_openapi();
std::string_view viewer_start();   // web/docs-viewer/start.js
std::string_view viewer_script();  // swagger-ui-dist/swagger-ui-bundle.js, gzip
std::string_view viewer_style();   // swagger-ui-dist/swagger-ui.css, gzip

}  // namespace paastech::embedded
