# What keeps a build from nothing cheap, for all targets at once; included after they are made.
#
# Precompiled headers: what many files include is read once, not once a file. Files include what
# they use all the same: the presets `asan-ubsan` and `fuzz` build without.
#
# WINDROW_UNITY (preset `release`): files of one target are compiled together, a few at a time, but
# for tests. A change of one then compiles its neighbours again, so the presets of developers do
# without.

option(WINDROW_UNITY "Compile files of a target together, for builds from nothing" OFF)
set(WINDROW_UNITY_FILES 32 CACHE STRING "How many files are compiled together")

# Files that are compiled alone: those that decide how fast windrow is, because GCC inlines less the
# larger a unit is, and templates of the network whose types may not be part of another file.
set(windrow_alone
  base/arena.cpp base/time.cpp
  formats/json_decoder.cpp formats/json_fast_path.cpp formats/json_general_path.cpp
  ingest/batcher.cpp ingest/ingest_core.cpp ingest/stream.cpp
  query/query_core.cpp query/resolve_query.cpp
  schema/catalog/key.cpp schema/expression/program_run.cpp
  server/body/json_writer.cpp server/body/query_json.cpp server/http/http_session.cpp
  storage/record/bucket_bases.cpp storage/record/record.cpp storage/record/record_codec.cpp
  storage/record/segments.cpp storage/record/tile_scan.cpp
  storage/shard/checkpoint_cycle.cpp storage/shard/placement.cpp storage/shard/record_loader.cpp
  storage/shard/record_table.cpp storage/shard/shard_core.cpp storage/shard/shard_reader.cpp
  storage/window/distinct.cpp storage/window/tile.cpp
  # The recipes of docs/extending.md, which tests follow, take the place of these.
  schema/catalog/source_kinds.cpp sources/kinds.cpp)

set(windrow_headers
  <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstdint> <cstring>
  <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view>
  <thread> <unordered_map> <utility> <variant> <vector>)

# Every target of a folder and those below it.
function(windrow_targets_below folder out)
  get_property(found DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    windrow_targets_below("${below}" more)
    list(APPEND found ${more})
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# A target's C++ files that are written by people, as paths from the project's root.
function(windrow_sources_of target out)
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  set(found "")
  foreach(source IN LISTS sources)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${folder}" NORMALIZE)
    cmake_path(IS_PREFIX PROJECT_BINARY_DIR "${source}" generated)
    if(source MATCHES "\\.cpp$" AND NOT generated)
      cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
      list(APPEND found "${source}")
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Parts a target's files, but for those that are compiled alone, into units of about the same size.
function(windrow_compile_together target alone)
  windrow_sources_of(${target} sources)
  list(REMOVE_ITEM sources ${alone})
  list(LENGTH sources count)
  if(count EQUAL 0)
    return()
  endif()
  math(EXPR units "(${count} + ${WINDROW_UNITY_FILES} - 1) / ${WINDROW_UNITY_FILES}")
  math(EXPR size "(${count} + ${units} - 1) / ${units}")
  set(number 0)
  foreach(source IN LISTS sources)
    math(EXPR unit "${number} / ${size}")
    set_source_files_properties("${PROJECT_SOURCE_DIR}/${source}" TARGET_DIRECTORY ${target}
      PROPERTIES UNITY_GROUP "${unit}")
    math(EXPR number "${number} + 1")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

windrow_targets_below("${PROJECT_SOURCE_DIR}" windrow_all)
set(windrow_compiled "")
foreach(target IN LISTS windrow_all)
  get_target_property(type ${target} TYPE)
  get_target_property(folder ${target} SOURCE_DIR)
  if(type MATCHES "^(STATIC_LIBRARY|OBJECT_LIBRARY|EXECUTABLE)$"
      AND NOT folder MATCHES "/(benchmarks|examples)(/|$)")
    list(APPEND windrow_compiled ${target})
  endif()
endforeach()

# Programs and libraries differ in how their code may be placed, so each have headers of their own.
file(CONFIGURE OUTPUT precompiled.cpp CONTENT "// A target has a source.\n")
add_library(windrow_precompiled OBJECT "${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp")
target_link_libraries(windrow_precompiled PRIVATE windrow_options)
target_precompile_headers(windrow_precompiled PRIVATE ${windrow_headers})
if(TARGET GTest::gtest_main)
  add_executable(windrow_precompiled_tests EXCLUDE_FROM_ALL
    "${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp")
  target_link_libraries(windrow_precompiled_tests PRIVATE windrow_options GTest::gtest_main)
  target_precompile_headers(windrow_precompiled_tests PRIVATE
    ${windrow_headers} <fstream> <random> <sstream> <gmock/gmock.h> <gtest/gtest.h>)
endif()
# Files that are compiled together read these once anyway.
if(WINDROW_CAF AND NOT WINDROW_UNITY)
  target_precompile_headers(windrow_actors PRIVATE
    ${windrow_headers} <caf/actor_system.hpp> <caf/response_promise.hpp>
    <caf/scoped_actor.hpp> <caf/typed_event_based_actor.hpp>)
  target_precompile_headers(windrow_node REUSE_FROM windrow_actors)
  if(TARGET windrow_command)
    target_precompile_headers(windrow_command PRIVATE ${windrow_headers} <CLI/CLI.hpp>)
  endif()
endif()

foreach(target IN LISTS windrow_compiled)
  get_target_property(type ${target} TYPE)
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(own ${target} PRECOMPILE_HEADERS)
  get_target_property(reused ${target} PRECOMPILE_HEADERS_REUSE_FROM)
  if(own OR reused)
    continue()
  elseif(type STREQUAL EXECUTABLE)
    get_target_property(libraries ${target} LINK_LIBRARIES)
    if(TARGET windrow_precompiled_tests AND libraries MATCHES "GTest::gtest_main")
      target_precompile_headers(${target} REUSE_FROM windrow_precompiled_tests)
    endif()
  else()
    target_precompile_headers(${target} REUSE_FROM windrow_precompiled)
  endif()
endforeach()

if(WINDROW_UNITY)
  # What tests compile once more, with faults planted, replaces an object of a library.
  foreach(target IN LISTS windrow_compiled)
    get_target_property(folder ${target} SOURCE_DIR)
    windrow_sources_of(${target} sources)
    if(folder MATCHES "/tests/")
      list(FILTER sources EXCLUDE REGEX "^tests/")
      list(APPEND windrow_alone ${sources})
    endif()
  endforeach()
  foreach(target IN LISTS windrow_compiled)
    get_target_property(type ${target} TYPE)
    get_target_property(folder ${target} SOURCE_DIR)
    if(NOT type STREQUAL OBJECT_LIBRARY AND NOT folder MATCHES "/tests(/|$)")
      windrow_compile_together(${target} "${windrow_alone}")
    endif()
  endforeach()
endif()
