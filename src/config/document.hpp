#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace tidelimit::config {

/// The one YAML document of a text, a mapping; or a mistake in `report`. Safe on any bytes.
/// `needed` is the key without which a file is none.
[[nodiscard]] std::optional<YAML::Node> read_document(const std::string& yaml,
                                                      std::string_view needed, Report& report);

/// A file of at most `most` bytes. Errors name it.
[[nodiscard]] Result<std::string> read_whole(const std::filesystem::path& file,
                                             std::size_t most = kMaxFileBytes);

/// "FILE:LINE: message", a line for each.
[[nodiscard]] std::string in_lines(const std::vector<Mistake>& mistakes,
                                   const std::filesystem::path& file);

}  // namespace tidelimit::config
