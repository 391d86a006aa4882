# tidelimit_install_library(TARGETS … C_TARGETS … UMBRELLA x.hpp C_HEADER y.h HEADERS base/a.hpp …)
# Installs targets, headers and the package file of find_package(tidelimit), as the component `library`.
#
# Within the tree a header is "limiter/gcra.hpp"; for others it is <tidelimit/limiter/gcra.hpp>: a copy in the build
# tree whose own includes are rewritten to match, which add_subdirectory sees and which is installed. So only one folder,
# `tidelimit/`, stands on an embedder's include path, where a `base/` of their own may stand too; and the tree keeps its
# short names.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

function(tidelimit_copy_header from to)
  file(READ ${from} text)
  string(REGEX REPLACE "#include \"(base|limiter)/" "#include \"tidelimit/\\1/" text "${text}")
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/include/tidelimit/${to} CONTENT "${text}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from})
endfunction()

# Where the file that pkg-config read stands tells where the prefix is, whichever it was installed to.
function(tidelimit_prefix_of_pkgconfig result)
  set(prefix ${CMAKE_INSTALL_PREFIX})
  if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
    string(REGEX REPLACE "/$" "" up ${up})
    set(prefix "\${pcfiledir}/${up}")
  endif()
  set(${result} ${prefix} PARENT_SCOPE)
endfunction()

function(tidelimit_install_library)
  cmake_parse_arguments(ARG "" "UMBRELLA;C_HEADER" "TARGETS;C_TARGETS;HEADERS" ${ARGN})
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tidelimit)
  set(include_dir ${CMAKE_INSTALL_INCLUDEDIR})

  add_custom_target(library DEPENDS ${ARG_TARGETS} ${ARG_C_TARGETS})
  foreach(set IN ITEMS TARGETS C_TARGETS)
    install(
      TARGETS ${ARG_${set}}
      EXPORT tidelimit_${set}
      LIBRARY COMPONENT library NAMELINK_COMPONENT library
      ARCHIVE COMPONENT library)
    install(
      EXPORT tidelimit_${set}
      FILE tidelimit_${set}.cmake
      NAMESPACE tidelimit::
      DESTINATION ${package_dir}
      COMPONENT library)
  endforeach()

  foreach(header IN LISTS ARG_HEADERS)
    tidelimit_copy_header(${PROJECT_SOURCE_DIR}/src/${header} ${header})
  endforeach()
  tidelimit_copy_header(${CMAKE_CURRENT_SOURCE_DIR}/${ARG_UMBRELLA} ${ARG_UMBRELLA})
  install(
    DIRECTORY ${PROJECT_BINARY_DIR}/include/tidelimit
    DESTINATION ${include_dir}
    COMPONENT library)
  install(FILES ${ARG_C_HEADER} DESTINATION ${include_dir} COMPONENT library)

  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/tidelimitConfig.cmake.in ${PROJECT_BINARY_DIR}/tidelimitConfig.cmake
    INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/tidelimitConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  tidelimit_prefix_of_pkgconfig(PKGCONFIG_PREFIX)
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
