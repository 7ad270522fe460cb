# The warnings that Restante's own programs are built with. The library's targets do not carry them: whoever uses the
# library chooses for himself.
add_library(restante_warnings INTERFACE)
target_compile_options(restante_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(RESTANTE_WARNINGS_AS_ERRORS)
  target_compile_options(restante_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # When it optimises, it takes copies inside its own standard library for overlapping ones, or ones that are too long
  # (GCC bugs 105651, 105329 and others).
  target_compile_options(restante_warnings INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
