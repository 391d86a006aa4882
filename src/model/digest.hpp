#pragma once

#include <string>
#include <string_view>

namespace tidelimit::model {

/// SHA-256 in lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace tidelimit::model
