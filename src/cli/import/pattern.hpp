#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::cli {

/// A value of envoyproxy/ratelimit's `path` as the pattern of an endpoint, normalised: "/a/*" there
/// is "/a/**" here, a value without * is itself. The error says what stands in the way.
[[nodiscard]] Result<std::string> path_pattern(std::string_view value);

/// A name for the endpoint of a pattern and a method (empty: any): "/v1/pay/**" and "POST" are
/// "v1-pay-post".
[[nodiscard]] std::string endpoint_name(std::string_view pattern, std::string_view method);

}  // namespace tidelimit::cli
