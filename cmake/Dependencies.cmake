# Every library from outside, found once. All are Debian 12 packages; scripts/setup installs them.
# First what the limiter needs as a library; docs/embedding.md promises that it is no more.
find_package(tl-expected REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
if(TIDELIMIT_LIBRARY_ONLY)
  return()
endif()

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED) # of oneDNN: to hold it to one thread
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(Boost REQUIRED) # headers: of a benchmark
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(prometheus-cpp REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
find_package(Protobuf REQUIRED)

# Debian's dnnl-config.cmake insists on OpenCL, which the CPU engine does not use; onnx ships no usable config.
function(tidelimit_import name library header)
  find_library(${name}_LIBRARY ${library} REQUIRED)
  find_path(${name}_INCLUDE_DIR ${header} REQUIRED)
  add_library(${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${${name}_LIBRARY}
                                           INTERFACE_INCLUDE_DIRECTORIES ${${name}_INCLUDE_DIR})
endfunction()
tidelimit_import(dnnl::dnnl dnnl oneapi/dnnl/dnnl.hpp)
tidelimit_import(onnx::proto onnx_proto onnx/onnx_pb.h)
target_link_libraries(onnx::proto INTERFACE protobuf::libprotobuf)
target_compile_definitions(onnx::proto INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
