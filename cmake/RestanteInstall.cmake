# What "cmake --install" does: headers, what find_package(restante) and pkg-config read, the server with its page, and the
# simulator with its scenarios.
#
# Each component of find_package is one file of targets, restante-<component>-targets.cmake, so that an installation may
# lack some. The files go where architecture does not matter: there is nothing compiled in the library.
include(CMakePackageConfigHelpers)

set(restante_cmake_folder "${CMAKE_INSTALL_DATADIR}/cmake/restante")

function(restante_install_component component header_folder)
  install(TARGETS restante_${component} EXPORT restante-${component}
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT restante-${component} FILE restante-${component}-targets.cmake NAMESPACE restante::
          DESTINATION "${restante_cmake_folder}")
  install(DIRECTORY "${header_folder}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
endfunction()

restante_install_component(core "${PROJECT_SOURCE_DIR}/include")
restante_install_component(memory "${PROJECT_SOURCE_DIR}/transports/memory/include")
restante_install_component(sim "${PROJECT_SOURCE_DIR}/sim/include")
if(TARGET restante_asio)
  restante_install_component(asio "${PROJECT_SOURCE_DIR}/transports/asio/include")
endif()
if(TARGET restante_websocketpp)
  restante_install_component(websocketpp "${PROJECT_SOURCE_DIR}/transports/websocketpp/include")
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/RestanteWebsocketpp.cmake" DESTINATION "${restante_cmake_folder}")
endif()
if(TARGET restante_beast)
  restante_install_component(beast "${PROJECT_SOURCE_DIR}/transports/beast/include")
endif()
if(TARGET restante_authentication)
  restante_install_component(authentication "${PROJECT_SOURCE_DIR}/authentication/include")
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/RestanteSodium.cmake" DESTINATION "${restante_cmake_folder}")
endif()
if(TARGET restante_sqlite)
  restante_install_component(sqlite "${PROJECT_SOURCE_DIR}/stores/sqlite/include")
endif()

write_basic_package_version_file(restante-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_SOURCE_DIR}/cmake/restante-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/restante-config-version.cmake"
        DESTINATION "${restante_cmake_folder}")

# Relative to the place of restante.pc, so that an installation may be moved.
file(RELATIVE_PATH restante_pc_to_include "/prefix/${CMAKE_INSTALL_DATADIR}/pkgconfig"
     "/prefix/${CMAKE_INSTALL_INCLUDEDIR}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/restante.pc.in" restante.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/restante.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")

if(TARGET restante-server)
  install(TARGETS restante-server RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/web/" DESTINATION "${CMAKE_INSTALL_DATADIR}/restante/web")
endif()
if(TARGET restante-sim)
  install(TARGETS restante-sim RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/scenarios" DESTINATION "${CMAKE_INSTALL_DATADIR}/restante")
endif()
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
