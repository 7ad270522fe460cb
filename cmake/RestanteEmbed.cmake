# Builds the files of the page into a program, so that the program alone serves it.
#
# As a module: restante_embed(<target> <file>…) has the target compile a source that is made from the files, anew whenever
# one of them changes. As a script (cmake -DOUTPUT=… -DFILES=a,b -P): makes that source.

if(CMAKE_SCRIPT_MODE_FILE)
  string(REPLACE "," ";" files "${FILES}")
  set(arrays "")
  set(rows "")
  set(number 0)
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    file(READ "${file}" hexadecimal HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${hexadecimal}")
    # In pieces, which the compiler puts together: no line gets longer than compilers and people can bear.
    string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?)" "\"\\1\"\n    " bytes "${bytes}")
    string(LENGTH "${hexadecimal}" digits)
    math(EXPR size "${digits} / 2")
    string(APPEND arrays "constexpr char file_${number}[] =\n    ${bytes}\"\";\n")
    string(APPEND rows "    {\"${name}\", {file_${number}, ${size}}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "// Made by cmake/RestanteEmbed.cmake.
#include \"page.hpp\"

namespace restante_server {
namespace {

${arrays}
}  // namespace

const BuiltInFile built_in_files[] = {
${rows}};
const std::size_t built_in_files_count = ${number};

}  // namespace restante_server
")
  return()
endif()

function(restante_embed target)
  set(output "${CMAKE_CURRENT_BINARY_DIR}/built_in_files.cpp")
  list(JOIN ARGN "," files)
  add_custom_command(OUTPUT "${output}"
                     COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${output}" "-DFILES=${files}"
                             -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
                     DEPENDS ${ARGN} "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
                     COMMENT "Building the page into ${target}"
                     VERBATIM)
  target_sources(${target} PRIVATE "${output}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()
