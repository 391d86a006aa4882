# tidelimit_install_library(TARGETS … UMBRELLA x.hpp C_HEADER y.h HEADERS base/a.hpp …)
# Installs targets, headers and the package file of find_package(tidelimit), as the component `library`.
#
# Within the tree a header is "limiter/gcra.hpp"; installed it is <tidelimit/limiter/gcra.hpp>, and its own includes are
# rewritten to match when it is installed. So only one folder, `tidelimit/`, stands on an embedder's include path, where
# a `base/` of their own may stand too; and the tree keeps its short names.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

function(tidelimit_install_library)
  cmake_parse_arguments(ARG "" "UMBRELLA;C_HEADER" "TARGETS;HEADERS" ${ARGN})
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tidelimit)
  set(include_dir ${CMAKE_INSTALL_INCLUDEDIR})

  add_custom_target(library DEPENDS ${ARG_TARGETS})
  install(
    TARGETS ${ARG_TARGETS}
    EXPORT tidelimitTargets
    LIBRARY COMPONENT library NAMELINK_COMPONENT library
    ARCHIVE COMPONENT library)
  install(
    EXPORT tidelimitTargets
    NAMESPACE tidelimit::
    DESTINATION ${package_dir}
    COMPONENT library)

  foreach(header IN LISTS ARG_HEADERS)
    string(APPEND copies "copy_header(\"${PROJECT_SOURCE_DIR}/src/${header}\" \"${header}\")\n")
  endforeach()
  string(APPEND copies "copy_header(\"${CMAKE_CURRENT_SOURCE_DIR}/${ARG_UMBRELLA}\" \"${ARG_UMBRELLA}\")\n")
  install(
    CODE "
      function(copy_header from to)
        file(READ \"\${from}\" text)
        string(REGEX REPLACE \"#include \\\"(base|limiter)/\" \"#include \\\"tidelimit/\\\\1/\" text \"\${text}\")
        set(file \"\${CMAKE_INSTALL_PREFIX}/${include_dir}/tidelimit/\${to}\")
        message(STATUS \"Installing: \${file}\")
        file(WRITE \"\$ENV{DESTDIR}\${file}\" \"\${text}\")
      endfunction()
      ${copies}"
    COMPONENT library)
  install(FILES ${ARG_C_HEADER} DESTINATION ${include_dir} COMPONENT library)

  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/tidelimitConfig.cmake.in ${PROJECT_BINARY_DIR}/tidelimitConfig.cmake
    INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tidelimitConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/tidelimit.pc.in ${PROJECT_BINARY_DIR}/tidelimit.pc @ONLY)
  install(
    FILES ${PROJECT_BINARY_DIR}/tidelimitConfig.cmake ${PROJECT_BINARY_DIR}/tidelimitConfigVersion.cmake
    DESTINATION ${package_dir}
    COMPONENT library)
  install(
    FILES ${PROJECT_BINARY_DIR}/tidelimit.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT library)
endfunction()
