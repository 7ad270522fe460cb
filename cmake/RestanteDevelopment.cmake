# What a build of Restante itself wants, and a project that uses Restante must not get.

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Programs are found in one folder, whichever folder their sources stand in.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

# ccache makes the second build of the same sources cheap. Precompiled headers need its leave to be cached.
find_program(RESTANTE_CCACHE ccache)
mark_as_advanced(RESTANTE_CCACHE)
if(RESTANTE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${RESTANTE_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  else()
    add_compile_options(-fpch-preprocess)
  endif()
endif()
# A program that defines something of its own does without the precompiled header rather than with a warning.
set(CMAKE_PCH_WARN_INVALID OFF)
