# The one way targets of this project are made: warnings, sanitizers and the include root are the same everywhere.

add_library(tidelimit_options INTERFACE)
target_compile_options(tidelimit_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(tidelimit_options INTERFACE -Werror)
endif()
# GCC 12 sees overlaps in std::string's operator+ that can't be (its bug 105651).
target_compile_options(tidelimit_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Part of -Wconversion there, not with GCC: the same code passes both.
  target_compile_options(tidelimit_options INTERFACE -Wno-sign-conversion)
endif()
target_include_directories(tidelimit_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # A bucket's two words change in one instruction (src/limiter/wide_swap.hpp).
  target_compile_options(tidelimit_options INTERFACE -mcx16)
endif()
# For what every request passes. GCC's generic tuning zeroes a struct of a hundred bytes, such as a decision, by
# `rep stosq`, which is slow to begin on most processors; this tuning writes it by six stores. The code runs on any
# x86-64 all the same.
set(TIDELIMIT_HOT_TUNING "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(TIDELIMIT_HOT_TUNING -mtune=icelake-server)
endif()
if(TIDELIMIT_SANITIZE)
  target_compile_options(tidelimit_options INTERFACE -fsanitize=${TIDELIMIT_SANITIZE}
                                                     -fno-omit-frame-pointer
                                                     -fno-sanitize-recover=all)
  target_link_options(tidelimit_options INTERFACE -fsanitize=${TIDELIMIT_SANITIZE})
  if(TIDELIMIT_SANITIZE MATCHES "thread")
    # GCC warns that atomic_thread_fence is invisible to TSan; the code that TSan checks uses none.
    target_compile_options(tidelimit_options INTERFACE -Wno-tsan)
  endif()
endif()
if(TIDELIMIT_FUZZ)
  # Coverage of the libraries too, or libFuzzer would see no further than the target's own file.
  target_compile_options(tidelimit_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(tidelimit_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What most files include, parsed once: a prelude per use, since GCC takes a precompiled header only under the flags it
# was made with. Sanitizer builds go without, so that an #include that a file forgot shows there.
option(TIDELIMIT_PRELUDE "Precompile the headers that most files include" ON)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR TIDELIMIT_SANITIZE)
  set(TIDELIMIT_PRELUDE OFF)
endif()
function(tidelimit_prelude name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LINKS" ${ARGN})
  add_library(tidelimit_${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/prelude.cpp)
  target_link_libraries(tidelimit_${name} PRIVATE tidelimit_options ${ARG_LINKS})
  target_compile_options(tidelimit_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_precompile_headers(tidelimit_${name} PRIVATE ${ARG_HEADERS})
endfunction()

# Several files of a target compiled as one: three quarters of the time of tests and command lines went into templates
# that each file makes anew. Off where files are to be compiled apart: in the preset `dev`, for editors and a changed file.
option(TIDELIMIT_UNITY "Compile files of which no time is asked together" ON)
function(tidelimit_together name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${TIDELIMIT_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()
# tidelimit_apart(a.cpp ...): files that call something of their own as another file of their target does.
function(tidelimit_apart)
  set_source_files_properties(${ARGV} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# tidelimit_cold(NAME [PRELUDE test_prelude] [HOT a.cpp ...]): files of which no time is asked: what they call is optimised
# in full, as are those named as HOT. Spares a third of the time their compilation takes, and the prelude a quarter of
# what is left: docs/decisions/precompiled-headers.md.
function(tidelimit_cold name)
  cmake_parse_arguments(ARG "" "PRELUDE" "HOT" ${ARGN})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(ARG_HOT)
    set_source_files_properties(${ARG_HOT} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>;${TIDELIMIT_HOT_TUNING}"
                                                      SKIP_PRECOMPILE_HEADERS ON)
  endif()
  tidelimit_together(${name})
  if(NOT ARG_PRELUDE)
    set(ARG_PRELUDE cold_prelude)
  endif()
  if(TIDELIMIT_PRELUDE)
    target_precompile_headers(${name} REUSE_FROM tidelimit_${ARG_PRELUDE})
    target_compile_options(${name} PRIVATE -fpch-preprocess) # asked for by ccache
  endif()
endfunction()

# tidelimit_library(NAME [EXPORTED] SOURCES a.cpp b.cpp LINKS tidelimit::base ...)
# One folder of src/, one target: tidelimit_NAME with the alias tidelimit::NAME. EXPORTED: part of the library for other
# programs (src/embed).
function(tidelimit_library name)
  cmake_parse_arguments(ARG "EXPORTED" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  if(ARG_SOURCES)
    add_library(tidelimit_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(
      tidelimit_${name}
      PUBLIC ${ARG_LINKS}
      PRIVATE $<BUILD_INTERFACE:tidelimit_options> ${ARG_PRIVATE_LINKS})
    set(include_root ${PROJECT_SOURCE_DIR}/src)
    if(TIDELIMIT_LIBRARY_ONLY)
      set(include_root ${PROJECT_BINARY_DIR}/include) # for others: <tidelimit/limiter.hpp> (InstallLibrary.cmake)
    endif()
    target_include_directories(tidelimit_${name} PUBLIC $<BUILD_INTERFACE:${include_root}>)
    if(ARG_EXPORTED)
      target_compile_features(tidelimit_${name} PUBLIC cxx_std_20)
      target_include_directories(tidelimit_${name} PUBLIC $<INSTALL_INTERFACE:include>)
      # Part of a shared library too; hidden, so that calls within it stay direct.
      set_target_properties(
        tidelimit_${name}
        PROPERTIES EXPORT_NAME ${name}
                   POSITION_INDEPENDENT_CODE ON
                   CXX_VISIBILITY_PRESET hidden
                   VISIBILITY_INLINES_HIDDEN ON)
    endif()
  else()
    add_library(tidelimit_${name} INTERFACE)
    target_link_libraries(tidelimit_${name} INTERFACE ${ARG_LINKS})
    target_include_directories(tidelimit_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
  endif()
  add_library(tidelimit::${name} ALIAS tidelimit_${name})
endfunction()

# tidelimit_test(NAME SOURCES a_test.cpp LINKS tidelimit::base ... [LABELS ...]) makes the GoogleTest binary NAME and its
# ctest entry. One entry per binary: gtest's own lines name the case that failed, and a run stays quick.
# scripts/test runs the sanitizers over whole targets, which tests join by their labels:
#   memory_tests  under ASan and UBSan: every test, unless it is labelled `long`
#   thread_tests  under TSan: those labelled `threads`
add_custom_target(memory_tests)
add_custom_target(thread_tests)
function(tidelimit_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tidelimit_options ${ARG_LINKS} fmt::fmt GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  tidelimit_cold(${name} PRELUDE test_prelude)
  if(TIDELIMIT_FUZZ)
    # Built for a single run: what half the time to compile spares is more than the slower run costs.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if(TIDELIMIT_PRELUDE)
    # Of inlined std::string behind a prelude GCC 12 warns falsely, and tests put many strings together.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT "long" IN_LIST ARG_LABELS)
    list(APPEND ARG_LABELS memory)
    add_dependencies(memory_tests ${name})
  endif()
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(thread_tests ${name})
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# tidelimit_fuzz(NAME SOURCES x_fuzz.cpp LINKS ...) makes a libFuzzer binary; all of them are the target `fuzzers`.
add_custom_target(fuzzers)
function(tidelimit_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tidelimit_options ${ARG_LINKS})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endfunction()

# tidelimit_bench(NAME SOURCES x_bench.cpp LINKS ...) makes a benchmark binary under build/PRESET/bench.
function(tidelimit_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tidelimit_options ${ARG_LINKS} fmt::fmt)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/bench)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endfunction()
