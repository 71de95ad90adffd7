# libwindrow: the interface of include/windrow, and nothing else of what it is made of. The objects
# are those that the program is made of: position-independent code with hidden symbols is as fast
# there as any (ARCHITECTURE.md), so everything is compiled once.
#
# Until 1.0 each minor version is an interface of its own, and so is its soname.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(WINDROW_INTERFACE "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
  set(WINDROW_COMPATIBILITY SameMinorVersion)
else()
  set(WINDROW_INTERFACE "${PROJECT_VERSION_MAJOR}")
  set(WINDROW_COMPATIBILITY SameMajorVersion)
endif()

# What implements the interface is there whole; of the others what these need. Not called `windrow`,
# which is the program's file.
add_library(windrow_library SHARED
  $<TARGET_OBJECTS:windrow_cluster> $<TARGET_OBJECTS:windrow_base>)
add_library(windrow::windrow ALIAS windrow_library)
set_target_properties(windrow_library PROPERTIES
  EXPORT_NAME windrow OUTPUT_NAME windrow LINKER_LANGUAGE CXX
  VERSION "${PROJECT_VERSION}" SOVERSION "${WINDROW_INTERFACE}")
target_compile_features(windrow_library PUBLIC cxx_std_20)
target_include_directories(windrow_library INTERFACE
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
  "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(windrow_library PRIVATE windrow_cluster)
# Templates of the standard library, and what libraries bring in headers, stay inside.
configure_file("${PROJECT_SOURCE_DIR}/cmake/exports.map.in"
  "${CMAKE_CURRENT_BINARY_DIR}/exports.map" @ONLY)
target_link_options(windrow_library PRIVATE
  "LINKER:--version-script=${CMAKE_CURRENT_BINARY_DIR}/exports.map" LINKER:--no-undefined)
set_property(TARGET windrow_library APPEND PROPERTY
  LINK_DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/exports.map")
