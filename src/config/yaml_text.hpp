#pragma once

#include <string>
#include <string_view>

namespace tidelimit::config {

/// The text as a YAML string in double quotes, whatever is in it.
[[nodiscard]] std::string yaml_string(std::string_view text);

}  // namespace tidelimit::config
