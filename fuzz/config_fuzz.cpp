#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/config.hpp"

/// Whatever the bytes: a configuration, or mistakes in order of lines, each with a message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  const auto config = tidelimit::config::parse(yaml, "fuzz.yaml");
  if (config) {
    if (config->engine.policy.endpoints.back().name != "other") std::abort();
    return 0;
  }
  int line = 1;
  if (config.error().empty()) std::abort();
  for (const auto& mistake : config.error()) {
    if (mistake.line < line || mistake.message.empty()) std::abort();
    line = mistake.line;
  }
  return 0;
}
