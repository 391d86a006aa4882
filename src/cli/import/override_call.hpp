#pragma once

#include <optional>
#include <string>

#include "cli/import/key_words.hpp"
#include "config/descriptor_file.hpp"

namespace tidelimit::cli {

/// The call on a live gate that limits, blocks or allows one user or address by hand, as the limit
/// of a descriptor with that value does. `limit` none: allowed.
[[nodiscard]] std::string override_call(Word who, const std::string& value,
                                        const std::optional<config::DescriptorLimit>& limit);

}  // namespace tidelimit::cli
