# The warnings that Restante's own programs are built with. The library's targets do not carry them: whoever uses the
# library chooses for himself.
add_library(restante_warnings INTERFACE)
target_compile_options(restante_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(RESTANTE_WARNINGS_AS_ERRORS)
  target_compile_options(restante_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # Its standard library's operator+ of a literal and a string is taken for an overlapping copy (GCC bug 105651).
  target_compile_options(restante_warnings INTERFACE -Wno-restrict)
endif()
