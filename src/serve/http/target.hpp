#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidelimit::serve {

/// The path and query of a target: an absolute form ("http://host/path") without its origin.
[[nodiscard]] std::string_view origin_form(std::string_view target);

/// What of such a target is its path: all before the query and a fragment, as they were sent.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// The raw value of a query parameter of a target; nullopt when absent.
[[nodiscard]] std::optional<std::string_view> query_value(std::string_view target,
                                                          std::string_view name);

/// %XX and + decoded; bad escapes stay.
[[nodiscard]] std::string decode_component(std::string_view text, bool plus_is_space);

}  // namespace tidelimit::serve
