# What `windrow --version` prints: the package's version if there is one, else the project's with
# the commit, which is asked of git at each build. Only the one file it stands in depends on it.
set(WINDROW_PACKAGE_VERSION "" CACHE STRING "What --version prints instead of the commit")

function(windrow_add_version target source)
  set(written "${CMAKE_CURRENT_BINARY_DIR}/version.cpp")
  add_custom_target(${target}_version
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DVERSION=${PROJECT_VERSION}"
      "-DPACKAGE_VERSION=${WINDROW_PACKAGE_VERSION}"
      "-DTEMPLATE=${CMAKE_CURRENT_SOURCE_DIR}/${source}" "-DWRITTEN=${written}" -P "${PROJECT_SOURCE_DIR}/cmake/write_version.cmake"
    BYPRODUCTS "${written}"
    COMMENT "" VERBATIM)
  target_sources(${target} PRIVATE "${written}")
  add_dependencies(${target} ${target}_version)
endfunction()
