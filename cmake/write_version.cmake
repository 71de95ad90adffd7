# Run at each build (cmake/version.cmake): writes WRITTEN from TEMPLATE, if it would be another.
set(version_text "${VERSION}")
if(PACKAGE_VERSION)
  set(version_text "${PACKAGE_VERSION}")
else()
  find_program(GIT git)
  if(GIT)
    # The commit of a repository that holds this one would say nothing: hence the prefix.
    execute_process(COMMAND "${GIT}" -C "${SOURCE}" rev-parse --show-prefix
      OUTPUT_VARIABLE prefix RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT failed AND prefix STREQUAL "")
      execute_process(
        COMMAND "${GIT}" --no-optional-locks -C "${SOURCE}"
          describe --always --dirty --abbrev=12 --exclude=*
        OUTPUT_VARIABLE commit RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
      if(NOT failed)
        string(APPEND version_text " (commit ${commit})")
      endif()
    endif()
  endif()
endif()
configure_file("${TEMPLATE}" "${WRITTEN}" @ONLY)
