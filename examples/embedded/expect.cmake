# Runs the example in a new folder, twice, and compares what it prints with what the pushes add up
# to: the second run pushes the same again, which must count nothing.
file(REMOVE_RECURSE "${FOLDER}")
set(expected "c1 card.spent__600__ = 42.50
c1 card.payments_made__600__ = 2
c2 card.spent__600__ = 99.90
c2 card.payments_made__600__ = 1
")
foreach(run RANGE 1 2)
  execute_process(COMMAND "${PROGRAM}" "${DECLARATIONS}" "${FOLDER}"
    OUTPUT_VARIABLE printed RESULT_VARIABLE code)
  if(NOT code EQUAL 0 OR NOT printed STREQUAL expected)
    message(FATAL_ERROR "run ${run}: exit ${code}, printed:\n${printed}\nexpected:\n${expected}")
  endif()
endforeach()
