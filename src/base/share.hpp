#pragma once

#include <optional>
#include <string_view>

namespace tidelimit {

/// A share as people write it: "5%" is "0.05". From 0 to 1, blanks around number and sign allowed;
/// nullopt for anything else.
[[nodiscard]] std::optional<double> parse_share(std::string_view text);

}  // namespace tidelimit
