# Compiler settings that every target shares. Warnings are errors; ccache and mold are used where they are installed.
option(PAASTECH_TESTS "Build the unit tests and register the functional ones" ON)
set(PAASTECH_SANITIZE "" CACHE STRING "Sanitizers to build with, for instance address,undefined")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header makes __TIME__ and file times part of the key; both are harmless here.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_PCH_EXTSUM=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# -pthread everywhere: gRPC asks for it, and a precompiled header serves only files built with the same flags.
add_compile_options(-pthread -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these falsely inside coroutine frames and std::variant (GCC bugs 105562, 107532).
  add_compile_options(-fcoroutines -fpch-preprocess -Wshadow=local -Wno-maybe-uninitialized -Wno-mismatched-new-delete
                      -Wno-dangling-pointer -Wno-free-nonheap-object -Wno-restrict -Wno-stringop-overflow
                      -Wno-array-bounds -Wno-stringop-overread)
else()
  add_compile_options(-Wno-unused-command-line-argument)
endif()
if(PAASTECH_SANITIZE)
  add_compile_options(-fsanitize=${PAASTECH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${PAASTECH_SANITIZE})
endif()
# What waits for the Engine, the database or the network gains nothing by -O2, which costs the build a good deal
# (docs/decisions/0013); the libraries that work on every byte or request of a visitor keep it.
set(PAASTECH_COLD_OPTIONS "$<$<CONFIG:Release>:-Og>")
set(PAASTECH_TEST_OPTIONS "$<$<CONFIG:Release>:-O0>")
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                        BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)
