# paastech_embed(TARGET NAME FILE)
# Puts FILE into TARGET as `std::string_view paastech::embedded::NAME()`, declared by hand in a header of the target's.
# By the assembler's .incbin, for neither GCC 12 nor clang 19 has #embed.
function(paastech_embed target name file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[#include <string_view>

asm(R"(
  .pushsection .rodata
  .balign 16
paastech_embedded_@name@:
  .incbin "@file@"
paastech_embedded_@name@_end:
  .popsection
)");
extern "C" const char paastech_embedded_@name@[];
extern "C" const char paastech_embedded_@name@_end[];

namespace paastech::embedded {
std::string_view @name@();
std::string_view @name@() {
  return {paastech_embedded_@name@, static_cast<std::size_t>(paastech_embedded_@name@_end - paastech_embedded_@name@)};
}
}  // namespace paastech::embedded
]])
  # In a batch what it depends on would be forgotten, and a changed file not be embedded anew.
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file} SKIP_PRECOMPILE_HEADERS ON
                                                   SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${source})
endfunction()
