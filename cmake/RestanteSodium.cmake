# Finds libsodium, which brings no file for find_package, and defines the target restante::sodium. Included by Restante
# itself, which stops without it, and by a project that found an installed Restante. Sets restante_sodium_FOUND.
find_path(RESTANTE_SODIUM_INCLUDE_DIR sodium/version.h DOC "The folder that sodium.h stands in")
find_library(RESTANTE_SODIUM_LIBRARY sodium DOC "The library of libsodium")
mark_as_advanced(RESTANTE_SODIUM_INCLUDE_DIR RESTANTE_SODIUM_LIBRARY)

set(restante_sodium_FOUND FALSE)
if(RESTANTE_SODIUM_INCLUDE_DIR AND RESTANTE_SODIUM_LIBRARY)
  set(restante_sodium_FOUND TRUE)
  if(NOT TARGET restante::sodium)
    add_library(restante::sodium INTERFACE IMPORTED GLOBAL)
    target_include_directories(restante::sodium INTERFACE "${RESTANTE_SODIUM_INCLUDE_DIR}")
    target_link_libraries(restante::sodium INTERFACE "${RESTANTE_SODIUM_LIBRARY}")
  endif()
elseif(TARGET restante_core)
  message(FATAL_ERROR "Restante: libsodium was not found, which restante::authentication needs. Install it (Debian: "
                      "libsodium-dev), or leave it out with -DRESTANTE_AUTHENTICATION=OFF.")
endif()
