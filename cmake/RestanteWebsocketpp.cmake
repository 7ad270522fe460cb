# Finds websocketpp and makes it fit for C++20, in the build tree of whoever includes this file: Restante itself, or a
# project that found an installed Restante. Nothing of it is copied into Restante. See docs/adr/0003.
#
# websocketpp 0.8.2 repeats template arguments in the names of constructors and destructors, "~endpoint<connection,
# config>()", in three headers. C++20 does not allow that. Copies of those three without the arguments are written, and
# must come before the originals in the search for headers.
#
# Including this file defines the target restante::websocketpp_engine, which restante::websocketpp is linked with:
# the folders for the compiler, the repaired headers first. What is missing or unknown stops the configuration with a
# message that says what to do. RESTANTE_WEBSOCKETPP_INCLUDE_DIR in the cache says where
# websocketpp was found, and may be set beforehand.

set(RESTANTE_WEBSOCKETPP_VERSION 0.8.2)
# Which headers, and how many names each of them has to be repaired.
set(RESTANTE_WEBSOCKETPP_REPAIRS "endpoint.hpp:1" "roles/server_endpoint.hpp:3" "logger/basic.hpp:7")

# Sets `variable` to the folders for the compiler.
function(restante_find_websocketpp variable)
  find_path(RESTANTE_WEBSOCKETPP_INCLUDE_DIR websocketpp/version.hpp
            DOC "The folder that websocketpp/version.hpp stands in")
  mark_as_advanced(RESTANTE_WEBSOCKETPP_INCLUDE_DIR)
  if(NOT RESTANTE_WEBSOCKETPP_INCLUDE_DIR)
    message(FATAL_ERROR "Restante: websocketpp was not found. Install it (Debian: libwebsocketpp-dev), or say where it "
                        "is with -DRESTANTE_WEBSOCKETPP_INCLUDE_DIR=<the folder that holds websocketpp/version.hpp>.")
  endif()
  set(original "${RESTANTE_WEBSOCKETPP_INCLUDE_DIR}")
  restante_check_websocketpp_version("${original}")

  set(repaired "${CMAKE_BINARY_DIR}/restante-websocketpp")
  set(repaired_any FALSE)
  foreach(repair IN LISTS RESTANTE_WEBSOCKETPP_REPAIRS)
    string(REPLACE ":" ";" repair "${repair}")
    list(POP_FRONT repair header expected)
    restante_repair_websocketpp_header("${original}" "${repaired}" "${header}" "${expected}" changed)
    if(changed)
      set(repaired_any TRUE)
    endif()
  endforeach()

  if(repaired_any)
    set(${variable} "${repaired}" "${original}" PARENT_SCOPE)
  else()
    message(STATUS "Restante: websocketpp in ${original} is already fit for C++20, and used as it is")
    set(${variable} "${original}" PARENT_SCOPE)
  endif()
endfunction()

function(restante_check_websocketpp_version directory)
  set(version "")
  foreach(part IN ITEMS major minor patch)
    file(STRINGS "${directory}/websocketpp/version.hpp" line REGEX "${part}_version *= *[0-9]+")
    string(REGEX MATCH "= *([0-9]+)" line "${line}")
    list(APPEND version "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN version "." version)
  if(NOT version STREQUAL RESTANTE_WEBSOCKETPP_VERSION AND NOT version STREQUAL RESTANTE_WEBSOCKETPP_ACCEPTED_VERSION)
    message(FATAL_ERROR "Restante: websocketpp in ${directory} is version ${version}, and Restante knows only "
                        "${RESTANTE_WEBSOCKETPP_VERSION}. To try it all the same, and run Restante's tests with it: "
                        "-DRESTANTE_WEBSOCKETPP_ACCEPTED_VERSION=${version}.")
  endif()
endfunction()

# Writes a repaired copy, when there is something to repair, and says so in `changed`.
function(restante_repair_websocketpp_header original repaired header expected changed)
  set(source "${original}/websocketpp/${header}")
  set(target "${repaired}/websocketpp/${header}")
  if(NOT EXISTS "${source}")
    message(FATAL_ERROR "Restante: ${source} is missing, which websocketpp ${RESTANTE_WEBSOCKETPP_VERSION} has.")
  endif()
  # A changed original is repaired anew.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(READ "${source}" text)
  # At the start of a line: a class's own name, template arguments, and the bracket of a constructor or destructor.
  set(name "(\n +~?)(endpoint|server|basic)<[a-z,]+>([(])")
  string(REGEX MATCHALL "${name}" found "${text}")
  list(LENGTH found count)
  if(count EQUAL 0)
    file(REMOVE "${target}")
    set(${changed} FALSE PARENT_SCOPE)
    return()
  endif()
  if(NOT count EQUAL expected)
    message(FATAL_ERROR "Restante: ${source} is not the one of websocketpp ${RESTANTE_WEBSOCKETPP_VERSION}: it has "
                        "${count} names to repair for C++20 and not ${expected}. Install an unchanged websocketpp, or "
                        "one in which all of them are repaired.")
  endif()
  string(REGEX REPLACE "${name}" "\\1\\2\\3" text "${text}")
  # Written only when it differs, so that nothing is compiled again without need.
  set(before "")
  if(EXISTS "${target}")
    file(READ "${target}" before)
  endif()
  if(NOT before STREQUAL text)
    file(WRITE "${target}" "${text}")
  endif()
  set(${changed} TRUE PARENT_SCOPE)
endfunction()

if(NOT TARGET restante::websocketpp_engine)
  restante_find_websocketpp(restante_websocketpp_folders)
  # Imported, so that the compiler takes what is in it for somebody else's, and keeps its warnings.
  add_library(restante::websocketpp_engine INTERFACE IMPORTED GLOBAL)
  target_include_directories(restante::websocketpp_engine INTERFACE ${restante_websocketpp_folders})
endif()
