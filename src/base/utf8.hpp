#pragma once

#include <cstddef>
#include <string_view>

namespace tidelimit {

/// Length of the well-formed UTF-8 sequence at the start of a text that is not empty; 0: there is
/// none (RFC 3629: no overlong forms, surrogates, or values beyond U+10FFFF).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace tidelimit
