#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::cli {

// Configurations that a command draws.

/// What nobody wrote by hand may be written over: nothing, an empty file, or one that begins with
/// the command's `mark`.
[[nodiscard]] Result<void> require_replaceable(const std::string& file, std::string_view mark,
                                               std::string_view command);

/// What was drawn must be what `serve` reads.
[[nodiscard]] Result<void> require_valid(const std::string& yaml, const std::string& file);

}  // namespace tidelimit::cli
