# `cmake --install`: the program, the library, and what belongs to them.
set(WINDROW_SYSTEMD ON CACHE BOOL "Install the system service")
mark_as_advanced(WINDROW_SYSTEMD)

add_custom_target(windrow_installable DEPENDS windrow_library windrow_command)

install(TARGETS windrow_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS windrow_library EXPORT windrow LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/windrow"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")

# For CMake.
include(CMakePackageConfigHelpers)
set(config "${CMAKE_INSTALL_LIBDIR}/cmake/windrow")
configure_file(packaging/windrowConfig.cmake.in windrowConfig.cmake @ONLY)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/windrowConfigVersion.cmake"
  COMPATIBILITY ${WINDROW_COMPATIBILITY})
install(EXPORT windrow NAMESPACE windrow:: FILE windrowTargets.cmake DESTINATION "${config}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/windrowConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/windrowConfigVersion.cmake" DESTINATION "${config}")

# For pkg-config: relative to where the file is, so that the installed tree can be moved.
file(RELATIVE_PATH WINDROW_PREFIX_FROM_PC
  "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file(packaging/windrow.pc.in windrow.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/windrow.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# For people.
install(DIRECTORY packaging/man/ DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
  FILES_MATCHING PATTERN "*.1")
install(FILES packaging/completion.bash
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME windrow)

# For the system.
if(WINDROW_SYSTEMD)
  configure_file(packaging/windrow.service.in windrow.service @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/windrow.service" DESTINATION lib/systemd/system)
  install(FILES packaging/windrow.sysusers DESTINATION lib/sysusers.d RENAME windrow.conf)
endif()
