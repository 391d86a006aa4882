#pragma once

#include <string>
#include <string_view>

namespace tidelimit::serve {

/// Why a call does not take the query of its target: a parameter that is none of `known` (names
/// with spaces between), in words; empty: there is none such. A filter that is misspelt must not
/// look like one that found all.
[[nodiscard]] std::string unknown_parameter(std::string_view target, std::string_view known);

}  // namespace tidelimit::serve
