# What find_package(restante [version] [COMPONENTS core memory sim asio websocketpp beast authentication sqlite]) reads. Without COMPONENTS: core.
#
#   restante::core         the library
#   restante::memory       the transport in memory, for tests and simulations
#   restante::sim          the simulator; brings restante::memory
#   restante::asio         what transports over WebSockets have in common; needs Boost and OpenSSL
#   restante::websocketpp  the transport over WebSockets in which websocketpp speaks the protocol; brings restante::asio
#   restante::beast        the transport over WebSockets in which Boost.Beast speaks the protocol; brings restante::asio
#   restante::authentication  passwords and tokens; needs libsodium and nlohmann_json
#   restante::sqlite       the store that keeps mailboxes in a file of SQLite; needs SQLite
set(restante_components core memory sim asio websocketpp beast authentication sqlite)

set(restante_wanted core ${restante_FIND_COMPONENTS})
if("sim" IN_LIST restante_wanted)
  list(INSERT restante_wanted 1 memory)
endif()
if("websocketpp" IN_LIST restante_wanted OR "beast" IN_LIST restante_wanted)
  list(INSERT restante_wanted 1 asio)
endif()
list(REMOVE_DUPLICATES restante_wanted)
foreach(restante_component IN LISTS restante_wanted)
  set(restante_problem "")
  if(NOT restante_component IN_LIST restante_components)
    list(JOIN restante_components " " restante_problem)
    set(restante_problem "${restante_component} is no component of restante; there are: ${restante_problem}")
  elseif(NOT EXISTS "${CMAKE_CURRENT_LIST_DIR}/restante-${restante_component}-targets.cmake")
    set(restante_problem "${restante_component} is not part of this installation of restante")
  elseif(restante_component STREQUAL "asio")
    find_package(Boost 1.74 QUIET)
    find_package(OpenSSL 1.1.1 QUIET)
    find_package(Threads QUIET)
    if(NOT Boost_FOUND OR NOT OpenSSL_FOUND OR NOT Threads_FOUND)
      string(CONCAT restante_problem "restante's transports over WebSockets need Boost 1.74 or later (Debian: libboost-dev), "
                                     "OpenSSL 1.1.1 or later (Debian: libssl-dev) and threads")
    endif()
  elseif(restante_component STREQUAL "authentication")
    find_package(nlohmann_json 3.11 QUIET)
    find_package(Threads QUIET)
    include("${CMAKE_CURRENT_LIST_DIR}/RestanteSodium.cmake")
    if(NOT nlohmann_json_FOUND OR NOT Threads_FOUND OR NOT restante_sodium_FOUND)
      string(CONCAT restante_problem "restante::authentication needs libsodium (Debian: libsodium-dev), nlohmann_json 3.11 "
                                     "or later (Debian: nlohmann-json3-dev) and threads")
    endif()
  elseif(restante_component STREQUAL "sqlite")
    find_package(SQLite3 3.37 QUIET)
    find_package(Threads QUIET)
    if(NOT SQLite3_FOUND OR NOT Threads_FOUND)
      set(restante_problem "restante::sqlite needs SQLite 3.37 or later (Debian: libsqlite3-dev) and threads")
    endif()
  endif()

  if(restante_problem)
    set(restante_${restante_component}_FOUND FALSE)
    if(restante_component STREQUAL "core" OR restante_FIND_REQUIRED_${restante_component})
      set(restante_FOUND FALSE)
      string(APPEND restante_NOT_FOUND_MESSAGE "${restante_problem}\n")
    endif()
  else()
    if(NOT TARGET restante::${restante_component})
      include("${CMAKE_CURRENT_LIST_DIR}/restante-${restante_component}-targets.cmake")
      if(restante_component STREQUAL "websocketpp")
        include("${CMAKE_CURRENT_LIST_DIR}/RestanteWebsocketpp.cmake")
        restante_find_websocketpp(restante_websocketpp_directories)
        target_include_directories(restante::websocketpp SYSTEM INTERFACE ${restante_websocketpp_directories})
      endif()
    endif()
    set(restante_${restante_component}_FOUND TRUE)
  endif()
endforeach()
