# Runs the example in a new folder and compares what it prints with what the pushes add up to.
file(REMOVE_RECURSE "${FOLDER}")
execute_process(COMMAND "${PROGRAM}" "${DECLARATIONS}" "${FOLDER}"
  OUTPUT_VARIABLE printed RESULT_VARIABLE code)
set(expected "c1 card.spent__600__ = 42.50
c1 card.payments_made__600__ = 2
c2 card.spent__600__ = 99.90
c2 card.payments_made__600__ = 1
")
if(NOT code EQUAL 0 OR NOT printed STREQUAL expected)
  message(FATAL_ERROR "exit ${code}, printed:\n${printed}\nexpected:\n${expected}")
endif()
