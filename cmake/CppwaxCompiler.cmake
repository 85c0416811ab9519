# The compiler, its warnings and sanitizers: everything that holds for each target of the project.
# Targets of the project link `cppwax_build_flags` privately, so nothing leaks to dependencies.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(CPPWAX_LEAST_COMPILER 12)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(CPPWAX_LEAST_COMPILER 16)
else()
  message(WARNING "cppwax is tried with GCC and Clang only, not with ${CMAKE_CXX_COMPILER_ID}.")
  set(CPPWAX_LEAST_COMPILER 0)
endif()
if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS CPPWAX_LEAST_COMPILER)
  message(FATAL_ERROR
    "cppwax needs GCC 12 or newer, or Clang 16 or newer; ${CMAKE_CXX_COMPILER} is "
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. "
    "Name another one with the environment variable CXX and configure in a new build folder.")
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Type of the build" FORCE)
endif()

# pybind11 turns link-time optimisation on by itself. It costs seconds at every link, and the module
# that is measured should be the module that is shipped: whoever wants it asks for it.
if(NOT DEFINED CMAKE_INTERPROCEDURAL_OPTIMIZATION)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
endif()

# The sloppiness lets ccache cache compilations that use a precompiled header; the base folder and
# the prefix map let checkouts in different folders share what is cached.
find_program(CPPWAX_CCACHE ccache)
mark_as_advanced(CPPWAX_CCACHE)
if(CPPWAX_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    ${CPPWAX_CCACHE})
endif()
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

add_library(cppwax_build_flags INTERFACE)
target_compile_options(cppwax_build_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${CPPWAX_WERROR}>:-Werror>)

if(CPPWAX_SANITIZE STREQUAL "address")
  # Without recovery the first finding of the undefined-behaviour checks fails the test too.
  set(CPPWAX_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(CPPWAX_SANITIZE STREQUAL "thread")
  set(CPPWAX_SANITIZE_FLAGS -fsanitize=thread)
elseif(CPPWAX_SANITIZE)
  message(FATAL_ERROR
    "CPPWAX_SANITIZE is \"${CPPWAX_SANITIZE}\"; it must be empty, \"address\" or \"thread\".")
endif()
if(CPPWAX_SANITIZE)
  add_compile_options(${CPPWAX_SANITIZE_FLAGS} -fno-omit-frame-pointer)
  add_link_options(${CPPWAX_SANITIZE_FLAGS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What a sanitizer adds to the code makes GCC guess wrong here, as its manual says; the build
    # without sanitizer keeps the warning.
    target_compile_options(cppwax_build_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
