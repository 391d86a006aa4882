#pragma once

#include <optional>
#include <string>
#include <yaml-cpp/yaml.h>

#include "config/reader.hpp"

namespace tidelimit::config {

/// The one YAML document of a text, a mapping; or a mistake in `report`. Safe on any bytes.
[[nodiscard]] std::optional<YAML::Node> read_document(const std::string& yaml, Report& report);

}  // namespace tidelimit::config
