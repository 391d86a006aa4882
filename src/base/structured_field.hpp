#pragma once

#include <string>
#include <string_view>

namespace tidelimit {

/// The text as a Structured Fields string (RFC 9651, 3.3.3), quotes included: printable ASCII, with
/// ? for all else.
[[nodiscard]] std::string structured_string(std::string_view text);

}  // namespace tidelimit
